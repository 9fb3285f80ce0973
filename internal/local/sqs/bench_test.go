package sqs

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

var benchBody = strings.Repeat("x", 500)

func rate(b *testing.B, messages int64) {
	b.Helper()
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(0, "ns/op")
}

func benchService(b *testing.B) *Service {
	b.Helper()
	s := open(b, testOptions(b))
	if err := s.CreateQueue(b.Context(), "work", map[string]string{"VisibilityTimeout": "43200"}); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkSend stores 500-byte messages in process, one call each.
func BenchmarkSend(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			b.ReportAllocs()
			s := benchService(b)
			var n atomic.Int64
			b.SetParallelism(callers)
			if callers == 1 {
				for b.Loop() {
					if err := sendAll(b.Context(), s, "work", benchBody); err != nil {
						b.Fatal(err)
					}
					n.Add(1)
				}
			} else {
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						if err := sendAll(b.Context(), s, "work", benchBody); err != nil {
							b.Error(err)
						}
						n.Add(1)
					}
				})
			}
			rate(b, n.Load())
		})
	}
}

// BenchmarkReceiveDelete takes batches of ten in process and deletes them.
func BenchmarkReceiveDelete(b *testing.B) {
	b.ReportAllocs()
	s := benchService(b)
	q := s.lookup("work")
	fill := func(n int) {
		o := outgoing{MessageBody: &benchBody}
		for range n / 100 {
			var batch []*message
			for range 100 {
				m, err := o.message(q)
				if err != nil {
					b.Fatal(err)
				}
				batch = append(batch, m)
			}
			if err := s.store(b.Context(), q, batch...); err != nil {
				b.Fatal(err)
			}
		}
	}
	var n int64
	for b.Loop() {
		got, _, err := s.take(b.Context(), receive{queue: q, max: maxBatch, timeout: 30_000})
		if err != nil {
			b.Fatal(err)
		}
		if len(got) == 0 {
			b.StopTimer()
			fill(10_000)
			b.StartTimer()
			continue
		}
		var handles []handle
		for _, m := range got {
			handles = append(handles, handle{queue: m.queue, seq: m.seq, receipt: m.receipt})
		}
		if err := s.deleteHandles(b.Context(), handles...); err != nil {
			b.Fatal(err)
		}
		n += int64(len(got))
	}
	rate(b, n)
}

// BenchmarkSDK is the whole way: the SDK's client over loopback, signatures
// checked, batches of ten by 16 callers a processor.
func BenchmarkSDK(b *testing.B) {
	b.Run("send", func(b *testing.B) {
		s := benchService(b)
		c := networkClient(b, s)
		var n atomic.Int64
		b.SetParallelism(16)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				benchSend(b, c)
				n.Add(maxBatch)
			}
		})
		rate(b, n.Load())
	})
	b.Run("send-receive-delete", func(b *testing.B) {
		s := benchService(b)
		c := networkClient(b, s)
		var n atomic.Int64
		b.SetParallelism(16)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				benchSend(b, c)
				n.Add(int64(benchReceiveDelete(b, c)))
			}
		})
		rate(b, n.Load())
	})
}

const benchURL = "http://127.0.0.1/000000000000/work"

func benchSend(b *testing.B, c *sqs.Client) {
	b.Helper()
	in := &sqs.SendMessageBatchInput{QueueUrl: aws.String(benchURL)}
	for i := range maxBatch {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &benchBody})
	}
	if out, err := c.SendMessageBatch(b.Context(), in); err != nil || len(out.Failed) > 0 {
		b.Error(err)
	}
}

func benchReceiveDelete(b *testing.B, c *sqs.Client) int {
	b.Helper()
	got, err := c.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(benchURL), MaxNumberOfMessages: maxBatch})
	if err != nil {
		b.Error(err)
		return 0
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(benchURL)}
	for i, m := range got.Messages {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
	}
	if len(in.Entries) == 0 {
		return 0
	}
	if _, err := c.DeleteMessageBatch(b.Context(), in); err != nil {
		b.Error(err)
	}
	return len(in.Entries)
}
