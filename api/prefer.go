package api

import (
	"strconv"
	"strings"
	"time"
)

// maxWait bounds "Prefer: wait=N".
const maxWait = 20 * time.Second

// preference is what the Prefer headers of a request ask for (RFC 7240).
type preference struct {
	async bool          // respond-async
	wait  time.Duration // 0: do not wait; at most maxWait
}

// parsePrefer reads Prefer headers. Preferences are wishes: what is unknown or
// cannot be read is ignored, and of two with the same name the first counts.
func parsePrefer(headers []string) preference {
	var p preference
	seen := map[string]bool{}
	for item := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		item, _, _ = strings.Cut(item, ";") // parameters mean nothing here
		name, value, _ := strings.Cut(item, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if seen[name] {
			continue
		}
		seen[name] = true
		switch name {
		case "respond-async":
			p.async = true
		case "wait":
			value = strings.Trim(strings.TrimSpace(value), `"`)
			if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
				p.wait = min(time.Duration(seconds)*time.Second, maxWait)
			}
		}
	}
	return p
}

// applied is the Preference-Applied header of an answer that honoured p.
func (p preference) applied() string {
	var list []string
	if p.async {
		list = append(list, "respond-async")
	}
	if p.wait > 0 {
		list = append(list, "wait="+strconv.Itoa(int(p.wait/time.Second)))
	}
	return strings.Join(list, ", ")
}
