<?php

// The configuration of SimpleSAMLphp for "make compat". COMPAT_DIR is a directory that lasts as long as
// the test; COMPAT_URL is where the identity provider is reached.
$dir = getenv('COMPAT_DIR') . '/';

$config = [
    'baseurlpath' => getenv('COMPAT_URL') . '/',
    'certdir' => $dir,
    'loggingdir' => $dir,
    'datadir' => $dir,
    'tempdir' => $dir . 'tmp',
    'metadatadir' => __DIR__ . '/metadata',
    'metadata.sources' => [['type' => 'flatfile', 'directory' => __DIR__ . '/metadata']],
    'technicalcontact_email' => 'na@example.org', // The default, with which no page asks for another.
    'timezone' => 'UTC',
    'secretsalt' => 'valid-for-make-compat-only',
    'auth.adminpassword' => 'valid-for-make-compat-only',
    'admin.protectindexpage' => true,
    'admin.checkforupdates' => false,
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'store.type' => 'phpsession',
    'session.phpsession.savepath' => $dir . 'sessions',
    'session.cookie.secure' => true,
    'logging.level' => SimpleSAML\Logger::INFO,
    'logging.handler' => 'errorlog',
    'showerrors' => true,
    'errorreporting' => false,
    'language.default' => 'en',
];
