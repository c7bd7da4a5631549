import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;

/**
 * Tells the truth about a cluster's groups and offsets by Kafka's own admin client: the measure of what the product
 * says, with which it shares nothing.
 *
 * <p>Usage: java -cp 'libs/*' Oracle.java client.properties. One JSON object per line in, one out, with the same id:
 * {"id":1,"op":"offsets"} or {"id":1,"op":"groups"}. What cannot be read is an "error" where it would have been.
 */
public final class Oracle {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Admin admin;

    private Oracle(Admin admin) {
        this.admin = admin;
    }

    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        try (FileInputStream in = new FileInputStream(args[0])) {
            config.load(in);
        }
        PrintStream out = System.out;
        System.setOut(System.err); // whatever a library prints must not mix with the answers
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Admin admin = Admin.create(config)) {
            Oracle oracle = new Oracle(admin);
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                out.write((oracle.answer(JSON.readTree(line)) + "\n").getBytes(StandardCharsets.UTF_8));
                out.flush();
            }
        }
    }

    private ObjectNode answer(JsonNode question) {
        ObjectNode answer = JSON.createObjectNode();
        try {
            switch (question.path("op").asText()) {
                case "offsets" -> offsets(answer);
                case "groups" -> groups(answer);
                default -> throw new IllegalArgumentException("unknown op: " + question);
            }
        } catch (Exception e) {
            answer.put("error", message(e));
        }
        return answer.set("id", question.get("id"));
    }

    /** Commits of all groups first, then the log offsets of all partitions of all topics. */
    private void offsets(ObjectNode answer) throws Exception {
        ArrayNode groups = answer.putArray("groups");
        for (GroupListing group : list()) {
            ObjectNode g = groups.addObject().put("group", group.groupId()).put("type", type(group));
            ArrayNode commits = g.putArray("commits");
            try {
                if (group.type().equals(java.util.Optional.of(GroupType.SHARE))) {
                    shareOffsets(group.groupId(), commits);
                } else {
                    commits(group, commits);
                }
            } catch (Exception e) {
                g.put("error", message(e));
            }
        }
        logOffsets(answer.putArray("partitions"));
    }

    private void commits(GroupListing group, ArrayNode into) throws Exception {
        Map<TopicPartition, org.apache.kafka.clients.consumer.OffsetAndMetadata> commits =
                group.type().equals(java.util.Optional.of(GroupType.STREAMS))
                        ? get(admin.listStreamsGroupOffsets(
                                        Map.of(group.groupId(), new ListStreamsGroupOffsetsSpec()))
                                .partitionsToOffsetAndMetadata(group.groupId()))
                        : get(admin.listConsumerGroupOffsets(group.groupId()).partitionsToOffsetAndMetadata());
        commits.forEach((tp, offset) -> {
            if (offset != null) {
                at(into, tp).put("offset", offset.offset());
            }
        });
    }

    /** A share group's own account: where it starts, and how much is left. -1 where nothing was acknowledged yet. */
    private void shareOffsets(String group, ArrayNode into) throws Exception {
        get(admin.listShareGroupOffsets(Map.of(group, new ListShareGroupOffsetsSpec())).partitionsToOffsetInfo(group))
                .forEach((tp, info) -> {
                    ObjectNode n = at(into, tp).put("offset", info == null ? -1 : info.startOffset());
                    if (info != null) {
                        info.lag().ifPresent(lag -> n.put("shareLag", lag));
                    }
                });
    }

    private void logOffsets(ArrayNode into) throws Exception {
        Map<String, TopicDescription> topics = get(admin.describeTopics(
                        get(admin.listTopics(new ListTopicsOptions().listInternal(true)).names()))
                .allTopicNames());
        Map<TopicPartition, OffsetSpec> earliest = new HashMap<>();
        Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
        topics.forEach((name, topic) -> topic.partitions().forEach(p -> {
            earliest.put(new TopicPartition(name, p.partition()), OffsetSpec.earliest());
            latest.put(new TopicPartition(name, p.partition()), OffsetSpec.latest());
        }));
        ListOffsetsResult starts = admin.listOffsets(earliest);
        ListOffsetsResult stable =
                admin.listOffsets(latest, new ListOffsetsOptions(IsolationLevel.READ_COMMITTED));
        ListOffsetsResult ends =
                admin.listOffsets(latest, new ListOffsetsOptions(IsolationLevel.READ_UNCOMMITTED));
        for (TopicPartition tp : latest.keySet()) {
            ObjectNode n = at(into, tp).put("topicId", topics.get(tp.topic()).topicId().toString());
            try {
                n.put("start", get(starts.partitionResult(tp)).offset());
                n.put("lastStable", get(stable.partitionResult(tp)).offset());
                n.put("highWatermark", get(ends.partitionResult(tp)).offset());
            } catch (Exception e) {
                n.put("error", message(e));
            }
        }
    }

    private void groups(ObjectNode answer) throws Exception {
        ArrayNode groups = answer.putArray("groups");
        for (GroupListing group : list()) {
            ObjectNode g = groups.addObject()
                    .put("group", group.groupId())
                    .put("type", type(group))
                    .put("protocol", group.protocol())
                    .put("state", group.groupState().map(Object::toString).orElse(""));
            try {
                describe(group, g.putArray("members"));
            } catch (Exception e) {
                g.put("error", message(e));
            }
        }
    }

    private void describe(GroupListing group, ArrayNode members) throws Exception {
        String id = group.groupId();
        List<String> ids = List.of(id);
        switch (group.type().orElse(GroupType.UNKNOWN)) {
            case SHARE -> get(admin.describeShareGroups(ids).describedGroups().get(id)).members().forEach(m ->
                    member(members, m.consumerId(), m.clientId(), "", m.host(), m.assignment().topicPartitions()));
            case STREAMS -> {
                StreamsGroupDescription streams = get(admin.describeStreamsGroups(ids).describedGroups().get(id));
                streams.members().forEach(m -> member(members, m.memberId(), m.clientId(), m.instanceId().orElse(""),
                        m.clientHost(), partitions(streams, m.assignment().activeTasks())));
            }
            case CLASSIC -> {
                if (!group.protocol().isEmpty() && !group.protocol().equals("consumer")) {
                    get(admin.describeClassicGroups(ids).describedGroups().get(id)).members().forEach(m ->
                            member(members, m.consumerId(), m.clientId(), m.groupInstanceId().orElse(""), m.host(), List.of()));
                } else {
                    consumers(id, members);
                }
            }
            default -> consumers(id, members);
        }
    }

    private void consumers(String id, ArrayNode members) throws Exception {
        get(admin.describeConsumerGroups(List.of(id)).describedGroups().get(id)).members().forEach(m ->
                member(members, m.consumerId(), m.clientId(), m.groupInstanceId().orElse(""), m.host(),
                        m.assignment().topicPartitions()));
    }

    /** What tasks read: the partitions of their numbers, of the source topics of their subtopology. */
    private static Collection<TopicPartition> partitions(
            StreamsGroupDescription streams, Collection<StreamsGroupMemberAssignment.TaskIds> tasks) {
        List<TopicPartition> all = new ArrayList<>();
        for (StreamsGroupMemberAssignment.TaskIds task : tasks) {
            for (StreamsGroupSubtopologyDescription sub : streams.subtopologies()) {
                if (!sub.subtopologyId().equals(task.subtopologyId())) {
                    continue;
                }
                List<String> sources = new ArrayList<>(sub.sourceTopics());
                sources.addAll(sub.repartitionSourceTopics().keySet());
                sources.forEach(topic -> task.partitions().forEach(p -> all.add(new TopicPartition(topic, p))));
            }
        }
        return all;
    }

    private static void member(
            ArrayNode into, String id, String client, String instance, String host, Collection<TopicPartition> assigned) {
        ArrayNode assignment = into.addObject()
                .put("id", id)
                .put("clientId", client)
                .put("instanceId", instance)
                .put("host", host)
                .putArray("assignment");
        assigned.forEach(tp -> at(assignment, tp));
    }

    private Collection<GroupListing> list() throws Exception {
        return get(admin.listGroups().all());
    }

    private static ObjectNode at(ArrayNode into, TopicPartition tp) {
        return into.addObject().put("topic", tp.topic()).put("partition", tp.partition());
    }

    private static String type(GroupListing group) {
        return group.type().map(Object::toString).orElse("");
    }

    private static <T> T get(KafkaFuture<T> future) throws Exception {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    private static String message(Exception e) {
        return e.getClass().getSimpleName() + ": " + e.getMessage();
    }
}
