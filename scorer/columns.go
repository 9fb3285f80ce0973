package scorer

import (
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/ingest"
)

// ResultColumn is one column of a result file, as the table of a query engine
// such as Athena or Hive declares it.
type ResultColumn struct {
	Name string // in lower case: these engines know no other
	Type string // double, string, bigint or timestamp
}

// ApplicationResultColumns are the columns of the files under
// results/applications, in their order.
func ApplicationResultColumns() []ResultColumn {
	columns, _ := applicationColumns()
	return resultColumns(columns)
}

// BatchResultColumns are the columns that the parts under results/batches can
// have, leaving out those that a file carried along: every published input
// column, then the decision and the shadow model's. A part holds those of them that
// its file and its batch had.
func BatchResultColumns() []ResultColumn {
	head := &ingest.Head{}
	for c := range ingest.NumColumns {
		head.Columns = append(head.Columns, ingest.HeadColumn{Name: c.String(), Known: c.String()})
	}
	columns, _ := batchColumns(head, true)
	return resultColumns(columns)
}

func resultColumns(columns []column) []ResultColumn {
	out := make([]ResultColumn, len(columns))
	for i, c := range columns {
		out[i] = ResultColumn{Name: strings.ToLower(c.name), Type: hiveType(c.node)}
	}
	return out
}

// hiveType is the type by which Hive's readers know a column of our files.
func hiveType(n parquet.Node) string {
	switch t := n.Type(); {
	case t.Kind() == parquet.Double:
		return "double"
	case t.Kind() == parquet.Int64 && strings.HasPrefix(t.String(), "TIMESTAMP"):
		return "timestamp"
	case t.Kind() == parquet.Int64:
		return "bigint"
	default:
		return "string"
	}
}
