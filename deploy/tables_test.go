package deploy

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/scorer"
)

// TestTables compares the tables of Athena with what the scorer writes.
func TestTables(t *testing.T) {
	t.Parallel()
	s := evaluate(loadTemplate(t), nil)
	const daily = status.DailyResultsPrefix
	want := map[string]struct {
		prefix, rest string
		columns      []scorer.ResultColumn
		partitions   []string
	}{
		"applications":       {status.ApplicationResultsPrefix, "dt=${!dt}/", scorer.ApplicationResultColumns(), []string{"dt"}},
		"applications_daily": {daily, "dt=${!dt}/", scorer.ApplicationResultColumns(), []string{"dt"}},
		"batches":            {status.BatchResultsPrefix, "dt=${!dt}/batch=${!batch}/", scorer.BatchResultColumns(), []string{"dt", "batch"}},
		"batches_by_day":     {status.BatchResultsPrefix, "dt=${!dt}/", scorer.BatchResultColumns(), []string{"dt"}},
	}
	for _, table := range s.of("AWS::Glue::Table") {
		in := table.get("TableInput")
		w, ok := want[text(get(in, "Name"))]
		if !ok {
			t.Errorf("%s: no such table is wanted", table.name)
			continue
		}
		delete(want, text(get(in, "Name")))
		if diff := cmp.Diff(w.columns, columnsOf(get(in, "StorageDescriptor", "Columns"))); diff != "" {
			t.Errorf("%s: columns (-scorer +template):\n%s", table.name, diff)
		}
		location := "s3://" + s.bucket().ref() + "/" + w.prefix
		parameters := asDoc(get(in, "Parameters"))
		if got := text(get(in, "StorageDescriptor", "Location")); got != location {
			t.Errorf("%s: location %s, want %s", table.name, got, location)
		}
		if got := text(parameters["storage.location.template"]); got != location+w.rest {
			t.Errorf("%s: partitions at %s, want %s", table.name, got, location+w.rest)
		}
		var partitions []string
		for _, c := range columnsOf(get(in, "PartitionKeys")) {
			partitions = append(partitions, c.Name)
			if c.Type != "string" || slices.Contains(w.columns, c) {
				t.Errorf("%s: partition %s of type %s", table.name, c.Name, c.Type)
			}
		}
		if diff := cmp.Diff(w.partitions, partitions); diff != "" {
			t.Errorf("%s: partitions (-want +got):\n%s", table.name, diff)
		}
		checkProjection(t, table.name, parameters, partitions)
		if d := s.at(table.get("DatabaseName")); d == nil || d.kind != "AWS::Glue::Database" {
			t.Errorf("%s: is in no database of this stack", table.name)
		}
		for name, part := range map[string]string{"InputFormat": "Parquet", "OutputFormat": "Parquet"} {
			if !strings.Contains(text(get(in, "StorageDescriptor", name)), part) {
				t.Errorf("%s: %s is not Parquet's", table.name, name)
			}
		}
		if !strings.HasSuffix(text(get(in, "StorageDescriptor", "SerdeInfo", "SerializationLibrary")), "ParquetHiveSerDe") {
			t.Errorf("%s: is not read as Parquet", table.name)
		}
	}
	if len(want) > 0 {
		t.Errorf("no tables %q", slices.Sorted(maps.Keys(want)))
	}
}

// checkProjection: days are computed, and a batch is given by the query.
// https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
func checkProjection(t *testing.T, table string, parameters doc, partitions []string) {
	t.Helper()
	want := doc{
		"projection.enabled": "true", "projection.dt.type": "date", "projection.dt.format": "yyyy-MM-dd",
		"projection.dt.interval": "1", "projection.dt.interval.unit": "DAYS", "classification": "parquet",
		"projection.dt.range": "2026-01-01,NOW+1DAYS",
	}
	if slices.Contains(partitions, "batch") {
		want["projection.batch.type"] = "injected"
	}
	got := maps.Clone(parameters)
	delete(got, "storage.location.template")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: parameters (-want +got):\n%s", table, diff)
	}
}

func columnsOf(list any) []scorer.ResultColumn {
	var columns []scorer.ResultColumn
	for _, c := range items(list) {
		columns = append(columns, scorer.ResultColumn{Name: text(get(c, "Name")), Type: text(get(c, "Type"))})
	}
	return columns
}
