package arch

import (
	"os/exec"
	"strings"
	"testing"
)

// A Lambda function is made of these packages.
func lambdaPackages() []string {
	return []string{"cmd/bootstrap", "api", "scorer", "events", "ingest", "model", "internal/status", "internal/store"}
}

// TestLambdaLinksNoEmbeddedPart keeps what a Lambda function needs free of the
// embedded store and queue, which would double its size.
func TestLambdaLinksNoEmbeddedPart(t *testing.T) {
	t.Parallel()
	args := []string{"list", "-deps"}
	for _, p := range lambdaPackages() {
		args = append(args, module+p)
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 100 {
		t.Fatalf("go list names %d packages, which cannot be all", len(deps))
	}
	for _, dep := range deps {
		for _, embedded := range []string{module + "internal/local", "github.com/versity/", "modernc.org/sqlite"} {
			if strings.HasPrefix(dep, embedded) {
				t.Errorf("a Lambda function would link %s", dep)
			}
		}
	}
}
