package sqs_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/loanscorer/loanscorer/internal/local/sqs"
)

// A queue in a file, used by the AWS SDK's own client.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "queues")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	service, err := sqs.Open(ctx, sqs.Options{
		Path:        filepath.Join(dir, "queues.db"),
		Credentials: sqs.Credentials{AccessKeyID: "local", SecretAccessKey: "local-secret"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer service.Close()
	server := httptest.NewServer(service)
	defer server.Close()

	if err := service.CreateQueue(ctx, "work", map[string]string{"VisibilityTimeout": "60"}); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := service.Send(ctx, "work", "hello", nil); err != nil {
		fmt.Println(err)
		return
	}
	client := awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local-secret", ""),
	})
	got, err := client.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
		QueueUrl: aws.String(server.URL + "/000000000000/work"), WaitTimeSeconds: 5,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(aws.ToString(got.Messages[0].Body))
	// Output: hello
}
