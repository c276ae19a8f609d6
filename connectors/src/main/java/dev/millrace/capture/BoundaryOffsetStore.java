package dev.millrace.capture;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import org.apache.kafka.connect.runtime.WorkerConfig;
import org.apache.kafka.connect.storage.OffsetBackingStore;
import org.apache.kafka.connect.util.Callback;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// Answers the engine's question where to resume with the boundary that was read back from the log.
/// It writes nothing anywhere: the position is written by the capture, with the changes. What the
/// capture marks once it is durable is kept in memory, for the connector reads back from here how
/// far it may move the slot.
///
/// The answer holds `lsn` alone. With `lsn_proc` or `lsn_commit` beside it the engine would first
/// *search* the stream for the change it saw last, keep every LSN it meets and filter by LSN; with
/// `lsn` alone it starts right there, and the server sends each transaction that committed behind
/// the boundary, whole.
public final class BoundaryOffsetStore implements OffsetBackingStore {

    static final String ENGINE_NAME = "millrace.engine.name";
    static final String TOPIC_PREFIX = "millrace.topic.prefix";
    static final String BOUNDARY = "millrace.boundary.lsn";

    private final JsonMapper json = JsonMapper.builder().build();
    private final Map<ByteBuffer, ByteBuffer> answers = new ConcurrentHashMap<>();

    @Override
    public void configure(WorkerConfig config) {
        Map<String, String> settings = config.originalsStrings();
        String boundary = settings.get(BOUNDARY);
        if (boundary == null) {
            return;
        }
        Object key =
                new Object[] {
                    settings.get(ENGINE_NAME),
                    Map.of("server", settings.getOrDefault(TOPIC_PREFIX, ""))
                };
        answers.put(bytes(key), bytes(Map.of("lsn", Long.parseLong(boundary))));
    }

    @Override
    public void start() {}

    @Override
    public void stop() {}

    @Override
    public Future<Map<ByteBuffer, ByteBuffer>> get(Collection<ByteBuffer> keys) {
        Map<ByteBuffer, ByteBuffer> found = new HashMap<>();
        keys.forEach(
                key -> {
                    ByteBuffer answer = answers.get(key);
                    if (answer != null) {
                        found.put(key, answer.duplicate());
                    }
                });
        return CompletableFuture.completedFuture(found);
    }

    @Override
    public Future<Void> set(Map<ByteBuffer, ByteBuffer> values, @Nullable Callback<Void> callback) {
        answers.putAll(values);
        if (callback != null) {
            callback.onCompletion(null, null);
        }
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public Set<Map<String, Object>> connectorPartitions(String connectorName) {
        return Set.of();
    }

    private ByteBuffer bytes(Object value) {
        return ByteBuffer.wrap(json.writeValueAsString(value).getBytes(StandardCharsets.UTF_8));
    }
}
