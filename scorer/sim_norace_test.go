//go:build !race

package scorer

// simShare is the share of the seeds that run without the race detector: all.
const simShare = 1
