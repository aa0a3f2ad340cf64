package problem_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
)

// The statuses and the codes for which a retry helps, as the reference documents them.
var documented = map[problem.Code]struct {
	status int
	retry  bool
}{
	problem.InvalidJSON:           {status: 400},
	problem.InvalidRequest:        {status: 422},
	problem.InvalidMetadata:       {status: 422},
	problem.MetadataUnavailable:   {status: 502, retry: true},
	problem.Forbidden:             {status: 403},
	problem.Unauthenticated:       {status: 401},
	problem.MethodNotAllowed:      {status: 405},
	problem.PayloadTooLarge:       {status: 413},
	problem.UnsupportedMediaType:  {status: 415},
	problem.Conflict:              {status: 409},
	problem.Gone:                  {status: 410},
	problem.InProgress:            {status: 409, retry: true},
	problem.SendGridRejected:      {status: 422},
	problem.SendGridUnauthorized:  {status: 502},
	problem.SendGridForbidden:     {status: 502},
	problem.RateLimited:           {status: 429, retry: true},
	problem.SendGridUnavailable:   {status: 502, retry: true},
	problem.OutcomeUnknown:        {status: 503, retry: true},
	problem.DeadlineExceeded:      {status: 504, retry: true},
	problem.SecretUnavailable:     {status: 503, retry: true},
	problem.LedgerUnavailable:     {status: 503, retry: true},
	problem.EventBusUnavailable:   {status: 503, retry: true},
	problem.EventQueueUnavailable: {status: 503, retry: true},
	problem.Internal:              {status: 500, retry: true},
}

func TestCodes(t *testing.T) {
	t.Parallel()
	require.Len(t, problem.Codes(), len(documented))
	titles := map[string]bool{}
	for _, code := range problem.Codes() {
		want, ok := documented[code]
		require.True(t, ok, code)
		require.Equal(t, want.status, code.Status(), code)
		require.NotEmpty(t, http.StatusText(code.Status()), code)
		require.Equal(t, want.retry, (&problem.Error{Code: code}).Retryable(), code)
		require.False(t, (&problem.Error{Code: code, Permanent: true}).Retryable(), code)
		require.NotEmpty(t, code.Title(), code)
		require.False(t, titles[code.Title()], "the title %q is there twice", code.Title())
		titles[code.Title()] = true
	}
}

func TestUnknownCodeIsAnInternalError(t *testing.T) {
	t.Parallel()
	code := problem.Code("NoSuchCode")
	require.Equal(t, http.StatusInternalServerError, code.Status())
	require.True(t, (&problem.Error{Code: code}).Retryable())
}

func TestFrom(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection reset")
	known := &problem.Error{Code: problem.Conflict, Message: "It differs.", Err: cause}
	require.Same(t, known, problem.From(fmt.Errorf("wrapped: %w", known)))
	require.ErrorIs(t, known, cause)
	require.Equal(t, "Conflict: It differs.: connection reset", known.Error())

	unknown := problem.From(cause)
	require.Equal(t, problem.Internal, unknown.Code)
	require.ErrorIs(t, unknown, cause)
	require.NotContains(t, unknown.Public(), "connection reset")
}

func TestInvalidField(t *testing.T) {
	t.Parallel()
	require.Equal(t, "One field of the request is not valid; correct it and send the request again. name: is taken", problem.InvalidField("name", "is taken").Public())
}

func TestPublicListsTheFields(t *testing.T) {
	t.Parallel()
	one := problem.FieldError{Field: "name", Message: "is required; send it"}
	for name, tt := range map[string]struct {
		message string
		fields  []problem.FieldError
		want    string
	}{
		"none":    {"It failed.", nil, "It failed."},
		"one":     {"One field.", []problem.FieldError{one}, "One field. name: is required; send it"},
		"several": {"Two fields.", []problem.FieldError{one, {Message: "and 3 more"}}, "Two fields. (1) name: is required; send it (2) and 3 more"},
		"quoted":  {`SendGrid says "name: is taken; try another".`, []problem.FieldError{{Field: "name", Message: "is taken"}, {Message: "try another"}}, `SendGrid says "name: is taken; try another".`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, (&problem.Error{Code: problem.InvalidRequest, Message: tt.message, Fields: tt.fields}).Public())
		})
	}
}
