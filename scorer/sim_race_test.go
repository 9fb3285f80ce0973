//go:build race

package scorer

// simShare is the share of the seeds that the race detector has time for.
const simShare = 10
