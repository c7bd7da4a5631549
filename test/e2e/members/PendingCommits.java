import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Sends a group's offsets to a transaction, as consume-transform-produce does, and neither commits nor aborts it: whoever
 * started it kills it.
 *
 * <p>Usage: java -cp 'libs/*' PendingCommits.java BOOTSTRAP GROUP TOPIC PARTITIONS OFFSET TIMEOUT-MS. Prints "ok" once the
 * commits are pending.
 */
public final class PendingCommits {
    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        p.put("bootstrap.servers", args[0]);
        p.put("transactional.id", "pending-" + args[1]);
        p.put("transaction.timeout.ms", args[5]);
        p.put("key.serializer", ByteArraySerializer.class.getName());
        p.put("value.serializer", ByteArraySerializer.class.getName());
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (int i = 0; i < Integer.parseInt(args[3]); i++) {
            offsets.put(new TopicPartition(args[2], i), new OffsetAndMetadata(Long.parseLong(args[4])));
        }
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(p);
        producer.initTransactions();
        producer.beginTransaction();
        producer.sendOffsetsToTransaction(offsets, new ConsumerGroupMetadata(args[1])); // returns once the coordinator has them
        System.out.println("ok");
        System.out.flush();
        Thread.currentThread().join();
    }
}
