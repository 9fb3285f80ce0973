package status

import "strings"

// GatewayID reports whether id has the form of a request id of API Gateway: a
// UUID in lower case. Applications that the gateway puts into the queue by
// itself are called that; such an id carries no proof that it was issued.
func GatewayID(id string) bool {
	const form = "00000000-0000-0000-0000-000000000000"
	if len(id) != len(form) {
		return false
	}
	for i := range len(id) {
		if form[i] == '-' != (id[i] == '-') || strings.IndexByte("0123456789abcdef-", id[i]) < 0 {
			return false
		}
	}
	return true
}
