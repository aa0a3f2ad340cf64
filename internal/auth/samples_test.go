package auth_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The sample events are signed over just the body that they have.
func TestSampleEvents(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]map[string][]string{
		"bearer":  has("bearer", "local-bearer-secret-for-samples"),
		"api-key": has("api_key", "local-api-key-for-samples-only"),
		"github":  has("github", "local-signing-secret-for-samples"),
		"jira":    has("jira", "local-signing-secret-for-samples"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("..", "..", "events", "http-api-"+name+".json"))
			require.NoError(t, err)
			var event struct {
				Headers map[string]string `json:"headers"`
				Body    string            `json:"body"`
			}
			require.NoError(t, json.Unmarshal(data, &event))
			header := http.Header{}
			for name, value := range event.Headers {
				header.Add(name, value)
			}
			require.NoError(t, knows(t, secret).Verify(t.Context(), header, []byte(event.Body)))
		})
	}
}
