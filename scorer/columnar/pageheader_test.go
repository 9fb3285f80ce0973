package columnar

import (
	"hash/crc32"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

func TestPageHeadersAreReadBack(t *testing.T) {
	t.Parallel()
	packed := []byte("packed")
	crc := int32(crc32.ChecksumIEEE(packed))
	for _, tt := range []struct {
		name   string
		header pageHeader
		want   format.PageHeader
	}{
		{
			"data",
			pageHeader{kind: format.DataPage, encoding: format.DeltaByteArray, size: 70_000, values: pageRows},
			format.PageHeader{
				Type: format.DataPage, UncompressedPageSize: 70_000, CompressedPageSize: 6, CRC: crc,
				DataPageHeader: thrift.New(format.DataPageHeader{
					NumValues: pageRows, Encoding: format.DeltaByteArray,
					DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
				}),
			},
		},
		{
			"dictionary",
			pageHeader{kind: format.DictionaryPage, encoding: format.Plain, size: math.MaxInt32, values: 1},
			format.PageHeader{
				Type: format.DictionaryPage, UncompressedPageSize: math.MaxInt32, CompressedPageSize: 6, CRC: crc,
				DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: 1, Encoding: format.Plain}),
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			data := tt.header.append(nil, packed[:2], packed[2:])
			if got := string(data[len(data)-len(packed):]); got != string(packed) {
				t.Errorf("page %q", got)
			}
			var got format.PageHeader
			if err := thrift.Unmarshal(&thrift.CompactProtocol{}, data[:len(data)-len(packed)], &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}
