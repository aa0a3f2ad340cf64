package refusal

import (
	"fmt"
	"slices"
	"strings"

	"sendgrid-sso-integration/sendgrid"
)

// other returns an integration of the account, other than the one in question.
func (q *inquiry) other(is func(sendgrid.Integration) bool) *sendgrid.Integration {
	for _, i := range q.Account {
		if i.ID != q.Integration.ID && is(i) {
			return &i
		}
	}
	return nil
}

// issuer compares the issuer with the entity id.
func (q *inquiry) issuer() {
	var issuers []string
	if q.form.Issuer != nil {
		issuers = append(issuers, *q.form.Issuer)
	}
	if a := q.form.assertion(); a != nil {
		issuers = append(issuers, a.Issuer)
	}
	at := slices.IndexFunc(issuers, func(issuer string) bool { return issuer == "" || issuer != q.Integration.EntityID })
	if at < 0 {
		return
	}
	issuer := issuers[at]
	wrong := fmt.Sprintf("The issuer is %s, and the integration's entity_id is %s%s", quote(issuer), quote(q.Integration.EntityID), almost(issuer, q.Integration.EntityID))
	do := "Set the issuer of the identity provider's application to the entity_id; if that is not possible, send a request with the issuer as entity_id, which creates another connection."
	if owner := q.other(func(i sendgrid.Integration) bool { return issuer != "" && i.EntityID == issuer }); owner != nil {
		wrong += ", and the issuer is that of the integration " + label(*owner)
		do = "Run this again with -connection " + owner.ID + ", if the person was to log in by that one; else let the identity provider send it the URLs of its own integration."
	}
	q.find(IssuerDiffers, wrong+".", do)
}

// recipient compares the URLs that the response is for with the integration's.
func (q *inquiry) recipient() {
	right := q.Integration.SingleSignOnURL
	var urls []string
	if q.form.Destination != "" || len(q.form.Signatures) > 0 {
		urls = append(urls, q.form.Destination)
	}
	if a := q.form.assertion(); a != nil {
		for _, c := range a.Confirmations {
			if c.Data != nil {
				urls = append(urls, c.Data.Recipient)
			}
		}
	}
	at := slices.IndexFunc(urls, func(url string) bool { return url == "" || url != right })
	if at < 0 {
		return
	}
	q.find(RecipientDiffers,
		fmt.Sprintf("The response is for the URL %s, and the integration's single_signon_url is %s%s%s.", quote(urls[at]), quote(right), almost(urls[at], right), q.whoseURL(urls[at])),
		"Set the single sign-on URL (ACS URL, Reply URL) of the identity provider's application to "+quote(right)+".")
}

// audience compares the audiences of the assertion with the integration's.
func (q *inquiry) audience() {
	a, right := q.form.assertion(), q.Integration.AudienceURL
	if a == nil || a.Conditions == nil {
		return
	}
	do := "Set the audience (Audience URI, Identifier) of the identity provider's application to " + quote(right) + "."
	if len(a.Conditions.Restrictions) == 0 {
		q.find(AudienceDiffers, "The assertion names no audience.", do)
		return
	}
	for _, restriction := range a.Conditions.Restrictions {
		isRight := func(audience string) bool { return strings.TrimSpace(audience) == right && right != "" }
		if !slices.ContainsFunc(restriction.Audiences, isRight) {
			audience := strings.TrimSpace(strings.Join(restriction.Audiences, " "))
			q.find(AudienceDiffers,
				fmt.Sprintf("The audience is %s, and the integration's audience_url is %s%s%s.", quote(audience), quote(right), almost(audience, right), q.whoseURL(audience)), do)
			return
		}
	}
}

// whoseURL says whose URL of SendGrid a URL is.
func (q *inquiry) whoseURL(url string) string {
	owner := q.other(func(i sendgrid.Integration) bool {
		return url != "" && (i.SingleSignOnURL == url || i.AudienceURL == url)
	})
	root, id := split(url)
	rightRoot, rightID := split(q.Integration.SingleSignOnURL)
	switch {
	case owner != nil:
		return ", and the former is that of the integration " + label(*owner)
	case id != "" && id == rightID && root != rightRoot:
		return ", so that the host or the path is wrong, perhaps that of another region"
	case root != "" && root == rightRoot && q.Account != nil:
		return ", and the former is that of an integration that this account does not have, perhaps because it was deleted and created again"
	case root != "" && root == rightRoot:
		return ", and the former is that of another integration, perhaps of this one before it was created again"
	}
	return ""
}

// split splits a URL of SendGrid into what all integrations have in common and the integration's id.
func split(url string) (root, id string) {
	at := strings.LastIndexByte(url, '/')
	return url[:at+1], url[at+1:]
}
