package webhook

import (
	"context"
	"net/http"
)

// ChallengeHeader is what Okta sends once, with a GET, to see whether an event hook's
// address is the hook owner's: the answer must repeat its value.
const ChallengeHeader = "X-Okta-Verification-Challenge"

// VerifyChallenge returns nil if such a challenge may be answered: if the hook's secret,
// which is an authorization value, is configured; and is the right one, where the request
// carries one. Else somebody else's hook could be pointed here. Its errors are those of
// Verify. The header is there once and bounded if there is no error.
func (v *Verifier) VerifyChallenge(ctx context.Context, header http.Header) error {
	if _, err := single(header, ChallengeHeader); err != nil {
		return &Refusal{Reason: err.Error()}
	}
	claims := read(request{header: header}, staticSchemes())
	if len(claims) == 0 {
		configured := proof{fits: func(string) bool { return true }}
		claims = []claim{{scheme: authorization{}, proof: configured}}
	}
	return v.verify(ctx, claims)
}
