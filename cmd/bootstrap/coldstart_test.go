package main

import (
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/loanscorer/loanscorer/internal/runtimetest"
)

// BenchmarkColdStart is the time from the start of the process to its first
// poll for work, on one core, as Lambda gives with 1,769 MB.
//
//	go test ./cmd/bootstrap -run '^$' -bench ColdStart -benchtime 50x
func BenchmarkColdStart(b *testing.B) {
	command := []string{program}
	if pin, err := exec.LookPath("taskset"); err == nil {
		command = []string{pin, "-c", "1", program}
	}
	env := []string{
		"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "GOMAXPROCS=1", envBucket + "=b", envSecret + "=" + testSecret,
		envApplications + "=http://127.0.0.1:9/0/a", envBulk + "=http://127.0.0.1:9/0/b", envAnonymous + "=allow",
	}
	for _, role := range []string{roleAPI, roleWorker, roleMaintenance} {
		b.Run(role, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				f := runtimetest.New(b, runtimetest.Options{Program: command, Env: append(env, envRole+"="+role)})
				if a := f.Invoke(b.Context(), []byte(`{"ping":1}`)); a.Outcome == runtimetest.OK || a.Outcome == runtimetest.Failed {
					took = append(took, a.Init)
				} else {
					b.Fatalf("%s: %s", a.Outcome, a.Payload)
				}
				f.KillAll()
			}
			slices.Sort(took)
			ms := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000 }
			b.ReportMetric(ms(0), "min-ms")
			b.ReportMetric(ms(0.5), "median-ms")
			b.ReportMetric(ms(0.9), "p90-ms")
			b.ReportMetric(ms(1), "max-ms")
		})
	}
}
