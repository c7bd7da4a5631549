import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Opens a transaction, writes to it, and neither commits nor aborts it: whoever started it kills it.
 *
 * <p>Usage: java -cp 'libs/*' OpenTransaction.java BOOTSTRAP TOPIC RECORDS TIMEOUT-MS. Prints "ok" once the records are
 * written.
 */
public final class OpenTransaction {
    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        p.put("bootstrap.servers", args[0]);
        p.put("transactional.id", "open-" + args[1]);
        p.put("transaction.timeout.ms", args[3]);
        p.put("key.serializer", ByteArraySerializer.class.getName());
        p.put("value.serializer", ByteArraySerializer.class.getName());
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(p);
        producer.initTransactions();
        producer.beginTransaction();
        for (int i = 0; i < Integer.parseInt(args[2]); i++) {
            producer.send(new ProducerRecord<>(args[1], new byte[] {1}));
        }
        producer.flush();
        System.out.println("ok");
        System.out.flush();
        Thread.currentThread().join();
    }
}
