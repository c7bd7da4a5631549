package kafka

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

// awsChain returns what gives credentials, by the default chain of the AWS SDKs: the environment, web identity (IRSA), the shared
// credentials file, the container's endpoint (EKS Pod Identity, ECS), the instance's role. It is put together here from the SDK's own
// providers, as the SDK's chain also links what is for people and their browsers (SSO), at 3 MiB of lag-exporter's memory. from says where they
// come from.
func awsChain() (provider aws.CredentialsProvider, from string, err error) {
	region := cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	file := sharedCredentials()
	tokenFile, container := os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), containerEndpoint()
	switch {
	case os.Getenv("AWS_ACCESS_KEY_ID") != "" && os.Getenv("AWS_SECRET_ACCESS_KEY") != "":
		return aws.CredentialsProviderFunc(environment), "the environment (AWS_ACCESS_KEY_ID)", nil
	case tokenFile != "":
		role := os.Getenv("AWS_ROLE_ARN")
		if role == "" || region == "" {
			return nil, "", errors.New("kafka.sasl.mechanism AWS_MSK_IAM: AWS_WEB_IDENTITY_TOKEN_FILE is set in the environment, but AWS_ROLE_ARN or AWS_REGION is not; set all three, " +
				"as the webhook of EKS does for a ServiceAccount with a role")
		}
		provider, from = webIdentity(region, role, tokenFile), fmt.Sprintf("web identity (role %s, token in %s)", role, tokenFile)
	case file.exists():
		return file, fmt.Sprintf("%s, profile %q", file.path, file.profile), nil // read anew each time
	case container != "":
		provider, from = endpointcreds.New(container, containerToken), "the container's endpoint "+container
	default:
		provider, from = ec2rolecreds.New(), "the instance's role"
	}
	return aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = awsEarly }), from, nil
}

// awsEarly is how long before they expire credentials are replaced.
const awsEarly = 5 * time.Minute

func environment(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN")}, nil
}

func webIdentity(region, role, tokenFile string) aws.CredentialsProvider {
	options := sts.Options{Region: region, Logger: logging.Nop{}} // the SDK's logger writes to stderr in a form of its own
	if endpoint := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_STS"), os.Getenv("AWS_ENDPOINT_URL")); endpoint != "" {
		options.BaseEndpoint = &endpoint
	}
	if strings.EqualFold(os.Getenv("AWS_USE_FIPS_ENDPOINT"), "true") {
		options.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	return stscreds.NewWebIdentityRoleProvider(sts.New(options), role, stscreds.IdentityTokenFile(tokenFile), func(o *stscreds.WebIdentityRoleOptions) {
		o.RoleSessionName = cmp.Or(os.Getenv("AWS_ROLE_SESSION_NAME"), clientID)
	})
}

// containerEndpoint is where the container's credentials are, empty if nowhere.
func containerEndpoint() string {
	const ecs = "http://169.254.170.2" // of every task's own
	if relative := os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		return ecs + relative
	}
	return os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
}

func containerToken(o *endpointcreds.Options) {
	o.AuthorizationToken = os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
		o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
			token, err := os.ReadFile(file)
			return string(token), err
		})
	}
}

// credentialsFile is a profile in a file of AWS's form, which may be a mounted Secret. Only keys count, not profiles that assume another.
type credentialsFile struct{ path, profile string }

func sharedCredentials() credentialsFile {
	path := os.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	if home, err := os.UserHomeDir(); path == "" && err == nil {
		path = filepath.Join(home, ".aws", "credentials")
	}
	return credentialsFile{path, cmp.Or(os.Getenv("AWS_PROFILE"), "default")}
}

func (f credentialsFile) exists() bool {
	_, err := os.Stat(f.path)
	return err == nil
}

// Retrieve reads the keys.
func (f credentialsFile) Retrieve(context.Context) (aws.Credentials, error) {
	text, err := readFile(f.path)
	if err != nil {
		return aws.Credentials{}, err
	}
	keys := make(map[string]string)
	ours := false
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			ours = strings.TrimSpace(strings.Trim(line, "[]")) == f.profile
		} else if name, value, found := strings.Cut(line, "="); found && ours {
			keys[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	got := aws.Credentials{AccessKeyID: keys["aws_access_key_id"], SecretAccessKey: keys["aws_secret_access_key"], SessionToken: keys["aws_session_token"]}
	if !got.HasKeys() {
		return aws.Credentials{}, fmt.Errorf("%s has no aws_access_key_id and aws_secret_access_key in its section [%s]", f.path, f.profile)
	}
	return got, nil
}
