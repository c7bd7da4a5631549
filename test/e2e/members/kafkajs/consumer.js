// A consumer in KafkaJS in the place of a pod: its connections come from the pod's address.
//
// Usage: node consumer.js BOOTSTRAP GROUP TOPIC CLIENT-ID ADDRESS. It joins the group and holds: it reads nothing. From the line "drain"
// of its standard input on it reads and commits all that there is; at the end of its standard input it leaves the group.
const net = require('node:net');
const readline = require('node:readline');
const { Kafka } = require('kafkajs');

const [bootstrap, groupId, topic, clientId, localAddress] = process.argv.slice(2);
const kafka = new Kafka({
  brokers: bootstrap.split(','),
  clientId,
  socketFactory: ({ host, port, onConnect }) => net.connect({ host, port, localAddress }, onConnect),
});
const consumer = kafka.consumer({ groupId });
let draining = false;

async function main() {
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachBatchAutoResolve: false, // what was not read is not committed
    eachBatch: async ({ batch, resolveOffset, heartbeat, pause }) => {
      if (!draining) {
        pause();
        return;
      }
      resolveOffset(batch.lastOffset());
      await heartbeat();
    },
  });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (line === 'drain') {
      draining = true;
      consumer.resume(consumer.paused());
    }
  }
  await consumer.disconnect();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
