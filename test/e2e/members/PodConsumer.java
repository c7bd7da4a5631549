import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.ProtocolFamily;
import java.nio.channels.DatagramChannel;
import java.nio.channels.Pipe;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.spi.AbstractSelector;
import java.nio.channels.spi.SelectorProvider;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A KIP-848 consumer in the place of a pod: its connections come from the pod's address.
 *
 * <p>Usage: java PodConsumer BOOTSTRAP GROUP TOPIC CLIENT-ID, with the properties of {@link FromPod}. It joins the group and
 * holds: it reads nothing. From the line "drain" of its standard input on it reads and commits all that there is; at the
 * end of its standard input it leaves the group.
 */
public final class PodConsumer {
    private static volatile boolean draining;
    private static volatile boolean ended;

    public static void main(String[] args) {
        Properties p = new Properties();
        p.put("bootstrap.servers", args[0]);
        p.put("group.id", args[1]);
        p.put("group.protocol", "consumer");
        p.put("client.id", args[3]);
        p.put("enable.auto.commit", "false");
        p.put("auto.offset.reset", "earliest");
        p.put("key.deserializer", ByteArrayDeserializer.class.getName());
        p.put("value.deserializer", ByteArrayDeserializer.class.getName());
        Thread commands = new Thread(PodConsumer::obey);
        commands.setDaemon(true);
        commands.start();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(p)) {
            consumer.subscribe(List.of(args[2]));
            while (!ended) {
                if (draining) {
                    consumer.resume(consumer.paused());
                } else {
                    consumer.pause(consumer.assignment());
                }
                consumer.poll(Duration.ofMillis(100));
                if (draining) {
                    consumer.commitAsync(); // the positions, also of what was read before it was paused
                }
            }
        }
    }

    private static void obey() {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        try {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                draining |= line.equals("drain");
            }
        } catch (IOException e) {
            e.printStackTrace();
        }
        ended = true;
    }

    /**
     * Lets every connection of this JVM come from the address in the property pod.ip, which Kafka's client has no setting
     * for. Named by the property java.nio.channels.spi.SelectorProvider, it takes the place of the default one, which it needs
     * --add-exports java.base/sun.nio.ch=ALL-UNNAMED to find.
     */
    public static final class FromPod extends SelectorProvider {
        private final SelectorProvider real = sun.nio.ch.DefaultSelectorProvider.get();
        private final InetSocketAddress pod = new InetSocketAddress(System.getProperty("pod.ip"), 0);

        @Override
        public SocketChannel openSocketChannel() throws IOException {
            return real.openSocketChannel().bind(pod);
        }

        @Override
        public DatagramChannel openDatagramChannel() throws IOException {
            return real.openDatagramChannel();
        }

        @Override
        public DatagramChannel openDatagramChannel(ProtocolFamily family) throws IOException {
            return real.openDatagramChannel(family);
        }

        @Override
        public Pipe openPipe() throws IOException {
            return real.openPipe();
        }

        @Override
        public AbstractSelector openSelector() throws IOException {
            return real.openSelector();
        }

        @Override
        public ServerSocketChannel openServerSocketChannel() throws IOException {
            return real.openServerSocketChannel();
        }
    }
}
