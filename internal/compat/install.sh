#!/usr/bin/env bash
# Installs what "make compat" needs: the identity providers from Debian, and node-saml from npm.
set -euo pipefail
cd "$(dirname "$0")"

# What LemonLDAP::NG's SAML needs is only suggested or recommended by its package. mini-httpd and
# php-cgi are the smallest that satisfy the need of both for a web server; nothing here uses them.
packages=(
	simplesamlphp php-cli php-xml php-mbstring
	liblemonldap-ng-portal-perl liblasso-perl libglib-perl libxml-simple-perl libio-string-perl
	libgd-securityimage-perl libimage-magick-perl
	mini-httpd php-cgi
)
command -v npm >/dev/null || packages+=(nodejs npm)

missing=()
for package in "${packages[@]}"; do
	[[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" == installed ]] || missing+=("$package")
done
if ((${#missing[@]} > 0)); then
	if ! command -v apt-get >/dev/null || [[ $EUID != 0 ]]; then
		echo "make compat needs these Debian packages: ${missing[*]}" >&2
		echo "It installs them by itself as root on Debian 12, in a container for instance." >&2
		exit 1
	fi
	echo "Installing from Debian: ${missing[*]}"
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

judge=testdata/node-saml
if [[ ! $judge/node_modules -nt $judge/package-lock.json ]]; then
	npm ci --prefix "$judge" --no-audit --no-fund --loglevel error
fi
