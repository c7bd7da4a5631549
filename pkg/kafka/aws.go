package kafka

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	mskiam "github.com/twmb/franz-go/pkg/sasl/aws"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// awsIdentity is the AWS identity of this process, see awsChain. The SDK keeps what expires until shortly before.
func awsIdentity() (*identity, error) {
	provider, from, err := awsChain()
	if err != nil {
		return nil, err
	}
	c := &awsCredentials{provider: provider, from: from}
	return &identity{
		Mechanism: mskiam.ManagedStreamingIAM(c.get), busy: c.busy,
		where: "that the policy of this AWS identity, from " + from + ", allows kafka-cluster:Connect on the cluster, and that this machine's clock is right",
	}, nil
}

type awsCredentials struct {
	provider aws.CredentialsProvider
	from     string      // where they come from, without a secret
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

func (c *awsCredentials) explain(err error) error {
	return hinted(lag.ClassConnection, err, "no AWS credentials for AWS_MSK_IAM from %s; give the pod's ServiceAccount a role (IRSA or Pod Identity), or set AWS_ACCESS_KEY_ID "+
		"and AWS_SECRET_ACCESS_KEY in the environment", c.from)
}

// busy says that no credentials have come yet, or none the last time.
func (c *awsCredentials) busy() error {
	if !c.waiting.Load() {
		return nil
	}
	return c.explain(context.DeadlineExceeded)
}
