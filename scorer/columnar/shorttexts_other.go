//go:build !amd64

package columnar

// take is takeGo: nothing here is faster.
func (p *shortPlaces) take(r *textRun, before uint32) shortDone { return p.takeGo(r, before) }
