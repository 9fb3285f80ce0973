package train

// LimitNodes returns options for forests of at most n nodes.
func LimitNodes(n int64) Options { return Options{maxNodes: n} }
