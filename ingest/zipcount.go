package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// countMembers returns the highest number of files that an end record in the last bytes of an archive tells of; 0 if
// there is none. (APPNOTE.TXT, sections 4.3.14 to 4.3.16: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT)
func countMembers(at *sourceAt) (uint64, error) {
	const longest = 1<<16 + 22 // an end record with its comment
	tail := make([]byte, min(at.src.Size, longest+locatorSize))
	start := at.src.Size - int64(len(tail))
	if _, err := at.ReadAt(tail, start); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	most := uint64(0)
	for i := 0; i < len(tail); i++ {
		next := bytes.Index(tail[i:], []byte("PK\x05\x06"))
		if next < 0 || len(tail)-i-next < 22 {
			break
		}
		i += next
		n := uint64(binary.LittleEndian.Uint16(tail[i+10:]))
		if n == 1<<16-1 && i >= locatorSize && bytes.HasPrefix(tail[i-locatorSize:], []byte("PK\x06\x07")) {
			var err error
			if n, err = countMembers64(at, tail[i-locatorSize:]); err != nil {
				return 0, err
			}
		}
		most = max(most, n)
	}
	return most, nil
}

// locatorSize is the length of the record that tells where the end record with long numbers is.
const locatorSize = 20

// countMembers64 returns the number of files in the end record that a locator leads to; 0 if there is none.
func countMembers64(at *sourceAt, locator []byte) (uint64, error) {
	offset := binary.LittleEndian.Uint64(locator[8:])
	var record [40]byte
	if offset > uint64(max(at.src.Size-int64(len(record)), 0)) {
		return 0, nil
	}
	if _, err := at.ReadAt(record[:], int64(offset)); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if !bytes.HasPrefix(record[:], []byte("PK\x06\x06")) {
		return 0, nil
	}
	return binary.LittleEndian.Uint64(record[32:]), nil
}
