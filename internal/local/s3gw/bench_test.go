package s3gw

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// BenchmarkPut writes new objects with the SDK, eight at a time: every one is flushed.
func BenchmarkPut(b *testing.B) {
	for _, size := range []int{5 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			g, err := Start(b.Context(), Options{Dir: b.TempDir(), AccessKeyID: testUser, SecretAccessKey: testPass})
			if err != nil {
				b.Fatal(err)
			}
			if err := g.CreateBucket(b.Context(), bucket); err != nil {
				b.Fatal(err)
			}
			c, body := client(g.Addr(), testPass), bytes.Repeat([]byte("x"), size)
			var n atomic.Int64
			b.SetBytes(int64(size))
			b.SetParallelism(4)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, err := c.PutObject(b.Context(), &s3.PutObjectInput{
						Bucket: aws.String(bucket), Key: aws.String(fmt.Sprintf("k/%d", n.Add(1))), Body: bytes.NewReader(body),
					})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
			if err := g.Close(b.Context()); err != nil {
				b.Error(err)
			}
		})
	}
}
