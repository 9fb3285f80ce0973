package status

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// Prefixes of the bucket. Nothing of ours is ever written under UploadsPrefix.
const (
	UploadsPrefix            = "uploads/"
	BatchesPrefix            = "batches/"
	ApplicationsPrefix       = "applications/"
	ReceiptsPrefix           = "receipts/"
	ModelsPrefix             = "models/"
	ReasonsPrefix            = "reasons/"
	ApplicationResultsPrefix = "results/applications/"
	DailyResultsPrefix       = "results/applications_daily/"
	BatchResultsPrefix       = "results/batches/"
)

const (
	dayLayout     = "2006-01-02"
	maxKeyLength  = 1024 // bytes, S3's limit
	maxNameLength = 227  // bytes between slashes, the limit of stores that keep objects as files
)

// Day is the UTC date under which a moment's objects are filed, YYYY-MM-DD.
func Day(t time.Time) string { return t.UTC().Format(dayLayout) }

// ParseDay returns the first moment of a day as Day writes it.
func ParseDay(day string) (time.Time, error) {
	t, err := time.Parse(dayLayout, day)
	if err != nil {
		return time.Time{}, fmt.Errorf("day %q: must be YYYY-MM-DD", day)
	}
	return t, nil
}

// ApplicationShards is how many prefixes the documents of applications are
// spread over.
const ApplicationShards = 256

// ApplicationShardPrefix is prefix n of them, from 0 to ApplicationShards-1.
func ApplicationShardPrefix(n int) string { return fmt.Sprintf("%s%02x/", ApplicationsPrefix, n) }

// FirstID is below every id minted at that time or later, and above all others.
func FirstID(at time.Time) string {
	var u ulid.ULID
	_ = u.SetTime(ulid.Timestamp(at)) // fails only beyond the year 10889
	return u.String()
}

// ApplicationResultsDay holds the result files of one day's attempts.
func ApplicationResultsDay(day string) string { return ApplicationResultsPrefix + "dt=" + day + "/" }

// DailyResultKey is the file that a day's result files are merged into.
func DailyResultKey(day string) string { return DailyResultsPrefix + "dt=" + day + "/part-0.parquet" }

// ApplicationKey is where the claim and decision of one application live. The
// two hash characters spread load over 256 prefixes.
func ApplicationKey(id string) string {
	sum := sha256.Sum256([]byte(id))
	return ApplicationsPrefix + hex.EncodeToString(sum[:1]) + "/" + id + ".json"
}

// NewResultKey returns a fresh key for the Parquet file of one attempt at one
// batch of applications.
func NewResultKey(now time.Time) string {
	name := ulid.MustNew(ulid.Timestamp(now), rand.Reader)
	return ApplicationResultsPrefix + "dt=" + Day(now) + "/" + name.String() + ".parquet"
}

// ModelKey is where the model of that SHA-256 (lower-case hex) is kept.
func ModelKey(sha string) string { return ModelsPrefix + sha + ".json" }

// ReasonsKey is where the reason codes of that SHA-256 (lower-case hex) are kept.
func ReasonsKey(sha string) string { return ReasonsPrefix + sha + ".json" }

// ReceiptKey is where the batch that an upload became is written down. An
// upload whose key or name is too long for that gets a receipt under its
// SHA-256, and so does one in a folder named like a receipt, because a store on
// a file system cannot hold both x.json and x.json/y.
func ReceiptKey(upload string) string {
	key := ReceiptsPrefix + upload + ".json"
	name := key[strings.LastIndexByte(key, '/')+1:]
	if len(key) > maxKeyLength || len(name) > maxNameLength || strings.Contains(upload, ".json/") {
		sum := sha256.Sum256([]byte(upload))
		return ReceiptsPrefix + "sha256-" + hex.EncodeToString(sum[:]) + ".json"
	}
	return key
}

// BatchPrefix holds the documents of one batch; its day is that of the id.
func BatchPrefix(batch string) string {
	return BatchesPrefix + Day(Time(batch)) + "/" + batch + "/"
}

// PlanKey is the batch's plan, written once.
func PlanKey(batch string) string { return BatchPrefix(batch) + "batch.json" }

// SummaryKey is the batch's terminal state, written once.
func SummaryKey(batch string) string { return BatchPrefix(batch) + "summary.json" }

// RejectsKey is the CSV of every row that was not scored.
func RejectsKey(batch string) string { return BatchPrefix(batch) + "rejects.csv" }

// LedgerPrefix holds the ledger entries of a batch and nothing else.
func LedgerPrefix(batch string) string { return BatchPrefix(batch) + "chunks/" }

// LedgerKey is the ledger entry of chunk n.
func LedgerKey(batch string, n int) string {
	return fmt.Sprintf("%s%06d.json", LedgerPrefix(batch), n)
}

// ChunkRejectsKey lists the rows that chunk n rejected, a JSON line each, before they
// are joined at RejectsKey.
func ChunkRejectsKey(batch string, n, generation int) string {
	return fmt.Sprintf("%srejects/%06d-%d.ndjson", BatchPrefix(batch), n, generation)
}

// PartKey is the Parquet part of chunk n.
func PartKey(batch string, n int) string {
	return fmt.Sprintf("%spart-%06d.parquet", PartsPrefix(batch), n)
}

// PartsPrefix holds the Parquet parts of a batch and nothing else.
func PartsPrefix(batch string) string {
	return BatchResultsPrefix + "dt=" + Day(Time(batch)) + "/batch=" + batch + "/"
}

// Object metadata of result files, so that their kind is known from a HEAD.
const (
	MetaFile   = "file"   // "results" or "tombstone", see File
	MetaSHA256 = "sha256" // of the body, lower-case hex
)

// FileOf tells what a result file's metadata says it is. A file without the
// mark holds results.
func FileOf(metadata map[string]string) File {
	if metadata[MetaFile] == string(FileTombstone) {
		return FileTombstone
	}
	return FileResults
}
