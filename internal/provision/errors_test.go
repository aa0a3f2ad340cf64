package provision_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
)

// codes is the table of errors in the design, and beside it the ledger's and the bus's own.
var codes = map[provision.Code]struct {
	status int
	retry  bool
}{
	provision.InvalidJSON:          {status: 400},
	provision.InvalidRequest:       {status: 422},
	provision.Unauthenticated:      {status: 401},
	provision.MethodNotAllowed:     {status: 405},
	provision.PayloadTooLarge:      {status: 413},
	provision.UnsupportedMediaType: {status: 415},
	provision.Conflict:             {status: 409},
	provision.InProgress:           {status: 409, retry: true},
	provision.SendGridRejected:     {status: 422},
	provision.SendGridUnauthorized: {status: 502},
	provision.SendGridForbidden:    {status: 502},
	provision.RateLimited:          {status: 429, retry: true},
	provision.SendGridUnavailable:  {status: 502, retry: true},
	provision.OutcomeUnknown:       {status: 503, retry: true},
	provision.DeadlineExceeded:     {status: 504, retry: true},
	provision.SecretUnavailable:    {status: 503, retry: true},
	provision.LedgerUnavailable:    {status: 503, retry: true},
	provision.EventBusUnavailable:  {status: 503, retry: true},
	provision.Internal:             {status: 500, retry: true},
}

func TestCodes(t *testing.T) {
	t.Parallel()
	titles := map[string]bool{}
	for code, want := range codes {
		require.Equal(t, want.status, code.Status(), code)
		require.NotEmpty(t, http.StatusText(code.Status()), code)
		require.Equal(t, want.retry, (&provision.Error{Code: code}).Retryable(), code)
		require.False(t, (&provision.Error{Code: code, Permanent: true}).Retryable(), code)
		require.NotEmpty(t, code.Title(), code)
		require.False(t, titles[code.Title()], "the title %q is there twice", code.Title())
		titles[code.Title()] = true
	}
}

// No code is forgotten in the tables, here or there, and each is spelled like its name.
func TestCodesAreAllInTheTable(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if ident, ok := spec.Type.(*ast.Ident); ok && ident.Name == "Code" {
			declared++
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			require.Equal(t, spec.Names[0].Name, value)
			_, known := codes[provision.Code(value)]
			require.True(t, known, value)
		}
		return true
	})
	require.Len(t, codes, declared)
}

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	cause := errors.New("the cause, with a marker")
	tests := []struct {
		name        string
		err         *provision.Error
		log, public string
	}{
		{
			name: "a message",
			err:  &provision.Error{Code: provision.InvalidJSON, Message: "It is empty."},
			log:  "InvalidJSON: It is empty.", public: "It is empty.",
		},
		{
			name: "a cause is for the log alone",
			err:  &provision.Error{Code: provision.Internal, Message: "Something.", Err: cause},
			log:  "Internal: Something.: the cause, with a marker", public: "Something.",
		},
		{
			name: "fields",
			err: &provision.Error{Code: provision.InvalidRequest, Message: "Two problems.", Fields: []provision.FieldError{
				{Field: "name", Message: "is required"}, {Message: "and 7 more problems"},
			}},
			log:    "InvalidRequest: Two problems. name: is required; and 7 more problems",
			public: "Two problems. name: is required; and 7 more problems",
		},
		{
			name: "a cause and fields",
			err: &provision.Error{
				Code: provision.SendGridRejected, Message: "Rejected.", Err: cause,
				Fields: []provision.FieldError{{Field: "name", Message: "is taken"}},
			},
			log: "SendGridRejected: Rejected.: the cause, with a marker", public: "Rejected. name: is taken",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, tt.err, tt.log)
			require.Equal(t, tt.public, tt.err.Public())
			require.NotContains(t, tt.err.Public(), "marker")
		})
	}
}

type markedError struct{ mark string }

func (e markedError) Error() string { return e.mark }

func TestErrorUnwraps(t *testing.T) {
	t.Parallel()
	cause := markedError{mark: "x"}
	err := &provision.Error{Code: provision.Internal, Err: fmt.Errorf("further: %w", cause)}
	require.ErrorIs(t, err, cause)
	var marked markedError
	require.ErrorAs(t, err, &marked)
	require.Equal(t, cause, marked)
	require.NoError(t, errors.Unwrap(&provision.Error{Code: provision.Conflict}))
}

func TestAsError(t *testing.T) {
	t.Parallel()
	known := &provision.Error{Code: provision.Conflict, Message: "It differs."}
	require.Same(t, known, provision.AsError(known))
	require.Same(t, known, provision.AsError(fmt.Errorf("wrapped: %w", known)))
	require.Same(t, known, provision.AsError(errors.Join(errors.New("other"), known)))

	cause := errors.New("marker")
	e := provision.AsError(cause)
	require.Equal(t, provision.Internal, e.Code)
	require.ErrorIs(t, e, cause)
	require.NotContains(t, e.Public(), "marker")
	require.True(t, e.Retryable())
}

func TestValidate(t *testing.T) {
	t.Parallel()
	require.NoError(t, request().Validate())

	err := provision.Request{Name: "\n", SigninURL: "http://marker", SignoutURL: "marker", EntityID: " ", Metadata: map[string]string{"": "marker"}}.Validate()
	e := requireCode(t, provision.InvalidRequest, err)
	require.Len(t, e.Fields, 5)
	require.NotContains(t, e.Public(), "marker")
}
