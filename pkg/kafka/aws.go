package kafka

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
	mskiam "github.com/twmb/franz-go/pkg/sasl/aws"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// awsIdentity is the AWS identity of this process by the SDK's default chain: environment, shared files, web identity (IRSA), EKS Pod
// Identity, the instance's role. The SDK keeps credentials until shortly before they expire.
func awsIdentity() (*identity, error) {
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithLogger(logging.Nop{})) // it asks nobody yet
	if err != nil {
		return nil, err
	}
	c := &awsCredentials{provider: cfg.Credentials}
	return &identity{
		Mechanism: mskiam.ManagedStreamingIAM(c.get), busy: c.busy,
		where: "which AWS identity this process has (aws sts get-caller-identity), and that its policy allows kafka-cluster:Connect on the cluster",
	}, nil
}

type awsCredentials struct {
	provider aws.CredentialsProvider
	waiting  atomic.Bool // for a service of AWS
}

func (c *awsCredentials) get(ctx context.Context) (mskiam.Auth, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	c.waiting.Store(true)
	got, err := c.provider.Retrieve(ctx)
	if err != nil {
		return mskiam.Auth{}, c.explain(err)
	}
	c.waiting.Store(false)
	return mskiam.Auth{AccessKey: got.AccessKeyID, SecretKey: got.SecretAccessKey, SessionToken: got.SessionToken, UserAgent: clientID}, nil
}

func (*awsCredentials) explain(err error) error {
	return hinted(lag.ClassConnection, err, "no AWS credentials for AWS_MSK_IAM; give the pod's ServiceAccount a role (IRSA or Pod Identity), or set AWS_ACCESS_KEY_ID "+
		"and AWS_SECRET_ACCESS_KEY in the environment")
}

// busy says that no credentials have come yet, or none the last time.
func (c *awsCredentials) busy() error {
	if !c.waiting.Load() {
		return nil
	}
	return c.explain(context.DeadlineExceeded)
}
