package lag

// Shares splits total into n integer shares that differ by at most one and add up to total exactly; the larger ones come
// first. total must not be negative and n must be positive.
func Shares(total int64, n int) []int64 {
	shares := make([]int64, n)
	each, rest := total/int64(n), total%int64(n)
	for i := range shares {
		shares[i] = each
		if int64(i) < rest {
			shares[i]++
		}
	}
	return shares
}
