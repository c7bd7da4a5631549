import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Repartitioned;

/**
 * Members of the groups that Kafka's own clients have and others hardly: KIP-848 consumers, share consumers, streams.
 * They read as many records as they are asked for, and then stay in their group without reading on.
 *
 * <p>Usage: java -cp 'libs/*' Members.java BOOTSTRAP STATE-DIR. One command per line in: KIND GROUP TOPIC RECORDS, and leave
 * GROUP, for all of its members; once these are done with, "ok" or "error: ..." comes out. All members end with the standard input.
 */
public final class Members {
    private final Properties common = new Properties();
    private final String stateDir;
    private final Map<String, Group> groups = new HashMap<>();

    /** The members of a group here, and whether they are to leave it. */
    private static final class Group {
        private final CountDownLatch leaving = new CountDownLatch(1);
        private final List<Thread> members = new ArrayList<>();
    }

    private Members(String bootstrap, String stateDir) {
        common.put("bootstrap.servers", bootstrap);
        this.stateDir = stateDir;
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err); // whatever a library prints must not mix with the answers
        Members members = new Members(args[0], args[1]);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(members.obey(line.split(" ")));
            out.flush();
        }
        Runtime.getRuntime().halt(0); // as a crash: leaving groups in order is of no use to a test that is over
    }

    private String obey(String[] words) throws InterruptedException {
        String group = words[1];
        if (words[0].equals("leave")) {
            Group left = groups.remove(group);
            left.leaving.countDown();
            for (Thread member : left.members) {
                member.join();
            }
            return "ok";
        }
        Group here = groups.computeIfAbsent(group, name -> new Group());
        String topic = words[2];
        int records = Integer.parseInt(words[3]);
        CountDownLatch done = new CountDownLatch(1);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread member = new Thread(() -> {
            try {
                switch (words[0]) {
                    case "consumer" -> consume(group, topic, records, done, here.leaving);
                    case "share" -> share(group, topic, records, done, here.leaving);
                    case "streams" -> stream(group, topic, records, done, here.leaving);
                    default -> throw new IllegalArgumentException("unknown kind of group: " + words[0]);
                }
            } catch (Exception | LinkageError e) {
                e.printStackTrace();
                failure.set(e);
                done.countDown();
            }
        });
        member.setDaemon(true);
        here.members.add(member);
        member.start();
        done.await();
        return failure.get() == null ? "ok" : "error: " + failure.get();
    }

    private Properties client(String group) {
        Properties p = new Properties();
        p.putAll(common);
        p.put("group.id", group);
        p.put("max.poll.records", "1");
        p.put("key.deserializer", ByteArrayDeserializer.class.getName());
        p.put("value.deserializer", ByteArrayDeserializer.class.getName());
        return p;
    }

    private void consume(String group, String topic, int records, CountDownLatch done, CountDownLatch leaving) {
        Properties p = client(group);
        p.put("group.protocol", "consumer");
        p.put("enable.auto.commit", "false");
        p.put("auto.offset.reset", "earliest");
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(p)) {
            consumer.subscribe(List.of(topic));
            Map<TopicPartition, OffsetAndMetadata> read = new HashMap<>();
            for (int n = 0; n < records; ) {
                for (ConsumerRecord<byte[], byte[]> r : consumer.poll(Duration.ofMillis(100))) {
                    read.put(new TopicPartition(r.topic(), r.partition()), new OffsetAndMetadata(r.offset() + 1));
                    n++;
                }
            }
            if (!read.isEmpty()) {
                consumer.commitSync(read);
            }
            done.countDown();
            while (leaving.getCount() > 0) {
                consumer.pause(consumer.assignment());
                consumer.poll(Duration.ofMillis(100));
            }
        }
    }

    private void share(String group, String topic, int records, CountDownLatch done, CountDownLatch leaving) throws Exception {
        try (Admin admin = Admin.create(common)) {
            AlterConfigOp earliest = new AlterConfigOp(
                    new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET);
            admin.incrementalAlterConfigs(
                            Map.of(new ConfigResource(ConfigResource.Type.GROUP, group), List.of(earliest)))
                    .all()
                    .get();
        }
        Properties p = client(group);
        p.put("share.acknowledgement.mode", "explicit");
        p.put("share.acquire.mode", "record_limit");
        KafkaShareConsumer<byte[], byte[]> consumer = new KafkaShareConsumer<>(p); // it heartbeats by itself
        consumer.subscribe(List.of(topic));
        if (records == 0) {
            consumer.poll(Duration.ZERO); // joins; what it may get is not acknowledged
        }
        for (int n = 0; n < records; ) {
            for (ConsumerRecord<byte[], byte[]> r : consumer.poll(Duration.ofMillis(100))) {
                consumer.acknowledge(r, AcknowledgeType.ACCEPT);
                n++;
            }
            consumer.commitSync();
        }
        done.countDown();
        leaving.await();
        consumer.close();
    }

    /** Two subtopologies with a repartition topic between them, so that the group commits on a topic of its own as well. */
    private void stream(String group, String topic, int records, CountDownLatch done, CountDownLatch leaving) throws Exception {
        StreamsBuilder builder = new StreamsBuilder();
        CountDownLatch left = new CountDownLatch(records);
        builder.stream(topic, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                .selectKey((key, value) -> value) // without a key, records are dropped before the repartition topic
                .repartition(Repartitioned.with(Serdes.ByteArray(), Serdes.ByteArray())
                        .withName("again"))
                .foreach((key, value) -> left.countDown());
        Properties p = new Properties();
        p.putAll(common);
        p.put("application.id", group);
        p.put("group.protocol", "streams");
        p.put("commit.interval.ms", "100");
        p.put("auto.offset.reset", "earliest");
        p.put("state.dir", stateDir);
        KafkaStreams streams = new KafkaStreams(builder.build(), p);
        streams.start();
        left.await();
        streams.pause();
        done.countDown();
        leaving.await();
        streams.close(CloseOptions.groupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
    }
}
