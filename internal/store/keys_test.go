package store_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/loanscorer/loanscorer/internal/store"
)

// Too many calls of KMS are outlived as too many requests are. // failure 68
func TestThrottledKeysAreRetried(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Create", "Replace", "Put", "CreateFrom", "PutFrom"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				refused := 0
				s := &script{answer: func(r *http.Request, _ int) (*http.Response, error) {
					if refused < 3 {
						refused++
						return refuse(r, http.StatusBadRequest, "KMS.ThrottlingException"), nil
					}
					return written(r), nil
				}}
				if err := calls(s.store(store.ClientOptions{}))[name](t.Context()); err != nil || refused != 3 {
					t.Errorf("%v after %d refusals", err, refused)
				}
			})
		})
	}
}

// Credentials that expire while an object is read are replaced, and the reading
// goes on where it was. // failure 78
func TestExpiringCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		given := 0
		provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			given++
			id := "KEY" + string(rune('0'+given))
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: "s", CanExpire: true, Expires: time.Now().Add(time.Hour)}, nil
		})
		content := []byte(strings.Repeat("content ", 100))
		var signed []string
		s := &script{answer: func(r *http.Request, n int) (*http.Response, error) {
			_, after, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
			id, _, _ := strings.Cut(after, "/")
			signed = append(signed, id)
			if n > 0 {
				return part(t, r, content, nil), nil
			}
			return part(t, r, content, func(body io.Reader) io.Reader {
				return io.MultiReader(io.LimitReader(body, 100), readerFunc(func([]byte) (int, error) {
					<-time.After(2 * time.Hour) // the credentials expire meanwhile
					return 0, io.ErrUnexpectedEOF
				}))
			}), nil
		}}
		objects := store.New(store.NewClient(aws.Config{
			Region: "us-east-1", HTTPClient: &http.Client{Transport: s}, Credentials: aws.NewCredentialsCache(provider),
		}, store.ClientOptions{Endpoint: "http://s3.test"}), bucket)
		in, err := objects.Open(t.Context(), store.Ref{Key: "k", ETag: `"e1"`, Size: int64(len(content))}, 0, store.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(in)
		if err != nil || string(got) != string(content) {
			t.Errorf("%d bytes of %d, %v", len(got), len(content), err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if len(signed) < 2 || signed[0] != "KEY1" || signed[len(signed)-1] != "KEY2" {
			t.Errorf("requests signed with %v", signed)
		}
	})
}
