package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	os.Exit(run(context.Background(), os.Getenv, os.Stderr, newHandler))
}

// build makes the function's handler from its environment.
type build func(ctx context.Context, getenv func(string) string, stderr io.Writer) (lambda.Handler, error)

// run serves invocations and returns only when it cannot begin: exit code 1.
// A connection to the Runtime API that breaks ends the process.
func run(ctx context.Context, getenv func(string) string, stderr io.Writer, b build) int {
	runtimeAPI := getenv("AWS_LAMBDA_RUNTIME_API")
	if runtimeAPI == "" {
		_, _ = fmt.Fprintln(stderr, "AWS_LAMBDA_RUNTIME_API: not set: this program is a Lambda function; on a machine run 'loanscorer serve'")
		return 1
	}
	h, err := b(ctx, getenv, stderr)
	if err != nil {
		initFailed(ctx, runtimeAPI, err, stderr)
		return 1
	}
	lambda.StartWithOptions(h, lambda.WithContext(ctx))
	return 0
}
