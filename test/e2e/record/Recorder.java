import java.io.BufferedWriter;
import java.io.FileInputStream;
import java.io.FileWriter;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;

/**
 * Writes down what is true of a cluster's groups and offsets, again and again, by Kafka's own admin client.
 *
 * <p>Usage: java -cp 'libs/*' Recorder.java client.properties FILE MAX-BYTES INTERVAL-MS. It ends with its standard input.
 * record.go describes the file. Every question is asked on time, whether or not earlier ones were answered; each answer is written
 * down by itself, so that a broker that hangs costs nothing but what only it could say.
 */
public final class Recorder {
    private static final int SLOW_EVERY = 4; // rounds between two readings of what changes seldom
    private static final int MAX_PENDING = 8; // of each question: more than fit into TIMEOUT_MS at two a second
    private static final int TIMEOUT_MS = 3000;

    private final Admin admin;
    private final BufferedWriter out;
    private final long maxBytes;
    private long written;
    private boolean full;
    private final Map<String, Map<String, String>> last = new HashMap<>(); // entries as written, by kind and name
    private final Map<String, AtomicInteger> pending = new ConcurrentHashMap<>();

    private volatile Map<String, GroupType> groups = Map.of();
    private volatile Set<TopicPartition> partitions = Set.of();

    private Recorder(Admin admin, String file, long maxBytes) throws IOException {
        this.admin = admin;
        this.out = new BufferedWriter(new FileWriter(file, StandardCharsets.UTF_8));
        this.maxBytes = maxBytes;
    }

    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        try (FileInputStream in = new FileInputStream(args[0])) {
            config.load(in);
        }
        Recorder recorder = new Recorder(Admin.create(config), args[1], Long.parseLong(args[2]));
        long interval = Long.parseLong(args[3]);
        Thread rounds = new Thread(() -> recorder.run(interval));
        rounds.setDaemon(true);
        rounds.start();
        while (System.in.read() >= 0) {}
        recorder.close();
        Runtime.getRuntime().halt(0);
    }

    private void run(long interval) {
        long next = System.currentTimeMillis();
        for (long round = 0; ; round++) {
            if (round % 2 == 0) {
                listGroups();
                listTopics();
            }
            commits();
            ends('h', IsolationLevel.READ_UNCOMMITTED, OffsetSpec.latest());
            if (round % SLOW_EVERY == 0) {
                ends('l', IsolationLevel.READ_COMMITTED, OffsetSpec.latest());
                ends('s', IsolationLevel.READ_UNCOMMITTED, OffsetSpec.earliest());
            }
            next = Math.max(next + interval, System.currentTimeMillis());
            try {
                Thread.sleep(Math.max(1, next - System.currentTimeMillis()));
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** One answer: of a kind, about a name, with entries. It is written once nothing of it is left to come. */
    private final class Answer {
        private final char kind;
        private final String name;
        private final long asked = System.currentTimeMillis();
        private final Map<String, String> entries = new TreeMap<>();
        private long answered;
        private int left;
        private final Runnable done;

        private Answer(char kind, String name, int left, Runnable done) {
            this.kind = kind;
            this.name = name;
            this.left = left;
            this.done = done;
        }

        /** An entry; null means that it could not be read. */
        private synchronized void put(String entry, String value) {
            entries.put(entry, value == null ? "!" : value);
            if (value != null) {
                answered = System.currentTimeMillis() + 1; // rounded up, as asked is rounded down
            }
            if (--left == 0) {
                finish(null);
            }
        }

        private synchronized void all(Map<String, String> found) {
            entries.putAll(found);
            answered = System.currentTimeMillis() + 1;
            finish(null);
        }

        private synchronized void finish(Throwable failure) {
            write(this, failure);
            done.run();
        }
    }

    /** The answer's line: what differs from the line before of the same kind and name. */
    private synchronized void write(Answer a, Throwable failure) {
        StringBuilder line = new StringBuilder().append(a.kind).append(' ').append(a.asked).append(' ');
        if (failure != null || a.answered == 0 && !a.entries.isEmpty()) {
            line.append(System.currentTimeMillis() + 1).append(' ').append(a.name).append(" !")
                    .append(failure == null ? "" : failure.getClass().getSimpleName());
        } else {
            line.append(a.answered).append(' ').append(a.name);
            Map<String, String> before = last.computeIfAbsent(a.kind + a.name, k -> new HashMap<>());
            a.entries.forEach((k, v) -> {
                if (!v.equals(before.put(k, v))) {
                    line.append(' ').append(k).append('=').append(v);
                }
            });
            before.keySet().removeIf(k -> {
                boolean gone = !a.entries.containsKey(k);
                if (gone) {
                    line.append(' ').append(k).append('=');
                }
                return gone;
            });
        }
        put(line.append('\n').toString());
    }

    private synchronized void put(String line) {
        if (full) {
            return;
        }
        written += line.length();
        full = written > maxBytes;
        try {
            out.write(full ? "full\n" : line);
            if (full) {
                out.flush();
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private synchronized void close() throws IOException {
        put("end\n");
        full = true;
        out.close();
    }

    /** Takes a place for a question, or says that too many of its kind have no answer yet. */
    private Runnable begin(String question) {
        AtomicInteger n = pending.computeIfAbsent(question, k -> new AtomicInteger());
        if (n.get() >= MAX_PENDING) {
            return null;
        }
        n.incrementAndGet();
        return n::decrementAndGet;
    }

    private void listGroups() {
        Runnable done = begin("groups");
        if (done == null) {
            return;
        }
        Answer answer = new Answer('g', ".", 1, done);
        ListGroupsResult result = admin.listGroups(new ListGroupsOptions().timeoutMs(TIMEOUT_MS));
        result.errors().whenComplete((errors, failed) -> result.valid().whenComplete((listed, failure) -> {
            boolean whole = failure == null && errors.isEmpty();
            Map<String, GroupType> known = new TreeMap<>(whole ? Map.of() : groups); // from a list with gaps, nothing is known to be gone
            Map<String, String> entries = new TreeMap<>();
            for (GroupListing g : failure == null ? listed : List.<GroupListing>of()) {
                known.put(g.groupId(), g.type().orElse(GroupType.UNKNOWN));
                entries.put(escape(g.groupId()), g.type().orElse(GroupType.UNKNOWN).toString());
            }
            groups = known;
            if (whole) {
                answer.all(entries);
            } else {
                answer.finish(failure == null ? errors.iterator().next() : failure);
            }
        }));
    }

    private void listTopics() {
        Runnable done = begin("topics");
        if (done == null) {
            return;
        }
        Answer answer = new Answer('t', ".", 1, done);
        admin.listTopics(new ListTopicsOptions().timeoutMs(TIMEOUT_MS)).names().whenComplete((names, failure) -> {
            if (failure != null) {
                answer.finish(failure);
                return;
            }
            describe(names, answer);
        });
    }

    private void describe(Collection<String> names, Answer answer) {
        DescribeTopicsResult described = admin.describeTopics(names, new DescribeTopicsOptions().timeoutMs(TIMEOUT_MS));
        described.allTopicNames().whenComplete((topics, failure) -> {
            if (failure != null) { // such as a topic deleted in between
                answer.finish(failure);
                return;
            }
            Set<TopicPartition> all = new HashSet<>();
            Map<String, String> entries = new TreeMap<>();
            topics.forEach((name, topic) -> {
                topic.partitions().forEach(p -> all.add(new TopicPartition(name, p.partition())));
                entries.put(name, topic.topicId().toString());
            });
            partitions = all;
            answer.all(entries);
        });
    }

    private void commits() {
        Map<String, ListConsumerGroupOffsetsSpec> consumers = new HashMap<>();
        Map<String, ListStreamsGroupOffsetsSpec> streams = new HashMap<>();
        Map<String, ListShareGroupOffsetsSpec> shares = new HashMap<>();
        groups.forEach((group, type) -> {
            switch (type) {
                case SHARE -> shares.put(group, new ListShareGroupOffsetsSpec());
                case STREAMS -> streams.put(group, new ListStreamsGroupOffsetsSpec());
                default -> consumers.put(group, new ListConsumerGroupOffsetsSpec());
            }
        });
        Map<String, Answer> answers = new HashMap<>();
        groups.keySet().forEach(group -> {
            Runnable done = begin("c" + group);
            if (done == null) {
                consumers.remove(group);
                streams.remove(group);
                shares.remove(group);
            } else {
                answers.put(group, new Answer('c', escape(group), 1, done));
            }
        });
        if (!consumers.isEmpty()) {
            ListConsumerGroupOffsetsResult result =
                    admin.listConsumerGroupOffsets(consumers, new ListConsumerGroupOffsetsOptions().timeoutMs(TIMEOUT_MS));
            consumers.keySet().forEach(g -> offsets(answers.get(g), result.partitionsToOffsetAndMetadata(g)));
        }
        if (!streams.isEmpty()) {
            ListStreamsGroupOffsetsResult result =
                    admin.listStreamsGroupOffsets(streams, new ListStreamsGroupOffsetsOptions().timeoutMs(TIMEOUT_MS));
            streams.keySet().forEach(g -> offsets(answers.get(g), result.partitionsToOffsetAndMetadata(g)));
        }
        if (!shares.isEmpty()) {
            ListShareGroupOffsetsResult result =
                    admin.listShareGroupOffsets(shares, new ListShareGroupOffsetsOptions().timeoutMs(TIMEOUT_MS));
            shares.keySet().forEach(g -> shareOffsets(answers.get(g), result.partitionsToOffsetInfo(g)));
        }
    }

    private void offsets(Answer answer, KafkaFuture<Map<TopicPartition, OffsetAndMetadata>> future) {
        future.whenComplete((offsets, failure) -> {
            if (failure != null) {
                answer.finish(failure);
                return;
            }
            Map<String, String> entries = new TreeMap<>();
            offsets.forEach((tp, offset) -> {
                if (offset != null) {
                    entries.put(entry(tp), Long.toString(offset.offset()));
                }
            });
            answer.all(entries);
        });
    }

    /** Of a share group, an entry is where it starts and then the broker's own count of what is left, where it gives one. */
    private void shareOffsets(Answer answer, KafkaFuture<Map<TopicPartition, SharePartitionOffsetInfo>> future) {
        future.whenComplete((offsets, failure) -> {
            if (failure != null) {
                answer.finish(failure);
                return;
            }
            Map<String, String> entries = new TreeMap<>();
            offsets.forEach((tp, info) -> {
                if (info != null && info.lag().isPresent()) {
                    entries.put(entry(tp), info.startOffset() + ":" + info.lag().get());
                }
            });
            answer.all(entries);
        });
    }

    private void ends(char kind, IsolationLevel isolation, OffsetSpec spec) {
        Runnable done = begin(String.valueOf(kind));
        if (done == null || partitions.isEmpty()) {
            if (done != null) {
                done.run();
            }
            return;
        }
        Map<TopicPartition, OffsetSpec> specs = new HashMap<>();
        Map<String, Integer> counts = new HashMap<>();
        partitions.forEach(tp -> {
            specs.put(tp, spec);
            counts.merge(tp.topic(), 1, Integer::sum);
        });
        AtomicInteger open = new AtomicInteger(counts.size());
        Map<String, Answer> answers = new HashMap<>();
        counts.forEach((topic, n) -> answers.put(topic, new Answer(kind, topic, n, () -> {
            if (open.decrementAndGet() == 0) {
                done.run();
            }
        })));
        ListOffsetsResult result = admin.listOffsets(specs, new ListOffsetsOptions(isolation).timeoutMs(TIMEOUT_MS));
        specs.keySet().forEach(tp -> result.partitionResult(tp).whenComplete((info, failure) -> answers.get(tp.topic())
                .put(Integer.toString(tp.partition()), failure == null ? Long.toString(info.offset()) : null)));
    }

    private static String entry(TopicPartition tp) {
        return tp.topic() + "/" + tp.partition();
    }

    private static String escape(String name) {
        return URLEncoder.encode(name, StandardCharsets.UTF_8);
    }
}
