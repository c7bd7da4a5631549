package kafka

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// awsKeys are what a signature is made with.
type awsKeys struct{ secret, session string }

// signature is Signature Version 4 of a presigned GET request without a body, as AWS documents it: a canonical request, whose hash is signed by a
// key that is derived from the secret for a day, a region and a service.
func signature(secret, scope, date, host, path, payloadHash string, query map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		pairs = append(pairs, uriEncode(name)+"="+uriEncode(query[name]))
	}
	canonical := strings.Join([]string{"GET", path, strings.Join(pairs, "&"), "host:" + host + "\n", "host", payloadHash}, "\n")
	hash := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") { // date, region, service, "aws4_request"
		key = sum(key, part)
	}
	return hex.EncodeToString(sum(key, toSign))
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// uriEncode leaves only the unreserved characters of RFC 3986 as they are.
func uriEncode(text string) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var out strings.Builder
	for _, c := range []byte(text) {
		if strings.IndexByte(unreserved, c) >= 0 {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

const hashOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// verify is what an MSK broker does with the first bytes of AWS_MSK_IAM: it says who is there, or why it refuses.
func verify(sent []byte, region string, known map[string]awsKeys, now time.Time) (accessKey string, err error) {
	var got map[string]string
	if err := json.Unmarshal(sent, &got); err != nil {
		return "", err
	}
	date := got["x-amz-date"]
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil {
		return "", err
	}
	accessKey, scope, _ := strings.Cut(got["x-amz-credential"], "/")
	keys, isKnown := known[accessKey]
	query := map[string]string{
		"Action": "kafka-cluster:Connect", "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": accessKey + "/" + scope, "X-Amz-Date": date,
		"X-Amz-Expires": "300", "X-Amz-SignedHeaders": "host",
	}
	if keys.session != "" {
		query["X-Amz-Security-Token"] = keys.session
	}
	want := map[string]string{"version": "2020_10_22", "host": got["host"], "user-agent": got["user-agent"]}
	for name, value := range query {
		want[strings.ToLower(name)] = value
	}
	want["x-amz-signature"] = signature(keys.secret, scope, date, got["host"], "/", hashOfNothing, query)
	switch {
	case !isKnown:
		return "", fmt.Errorf("access key %q is not known", accessKey)
	case scope != at.Format("20060102")+"/"+region+"/kafka-cluster/aws4_request":
		return "", fmt.Errorf("scope %q", scope)
	case now.Sub(at).Abs() > 5*time.Minute:
		return "", fmt.Errorf("signed at %s, it is %s now", at, now)
	case got["host"] == "" || got["user-agent"] == "" || !maps.Equal(got, want):
		return "", fmt.Errorf("got %v, want %v", got, want)
	}
	return accessKey, nil
}

// The example of a presigned request in AWS's documentation of Signature Version 4, with the signature that it gives.
func TestSignatureIsAsDocumented(t *testing.T) {
	const scope, date = "20130524/us-east-1/s3/aws4_request", "20130524T000000Z"
	got := signature("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", scope, date, "examplebucket.s3.amazonaws.com", "/test.txt", "UNSIGNED-PAYLOAD", map[string]string{
		"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": "AKIAIOSFODNN7EXAMPLE/" + scope, "X-Amz-Date": date, "X-Amz-Expires": "86400", "X-Amz-SignedHeaders": "host",
	})
	if want := "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
