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

/// The engine's offset store, which returns the boundary that was read from the log. It writes
/// nothing: the capture writes the position together with the changes. Positions that the capture
/// confirms are kept in memory, because the connector reads from here how far it may advance the
/// slot. Thread-safe.
///
/// The stored offset contains only `lsn`. With `lsn_proc` or `lsn_commit`, the engine would first
/// *search* the stream for the last change that it saw, collect every LSN on the way, and then
/// filter by LSN. With `lsn` alone it starts at that position, and the server sends each
/// transaction that committed after the boundary completely.
public final class BoundaryOffsetStore implements OffsetBackingStore {

    static final String ENGINE_NAME = "millrace.engine.name";
    static final String TOPIC_PREFIX = "millrace.topic.prefix";
    static final String BOUNDARY = "millrace.boundary.lsn";

    private final JsonMapper json = JsonMapper.builder().build();
    private final Map<ByteBuffer, ByteBuffer> offsets = new ConcurrentHashMap<>();

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
        offsets.put(bytes(key), bytes(Map.of("lsn", Long.parseLong(boundary))));
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
                    ByteBuffer offset = offsets.get(key);
                    if (offset != null) {
                        found.put(key, offset.duplicate());
                    }
                });
        return CompletableFuture.completedFuture(found);
    }

    @Override
    public Future<Void> set(Map<ByteBuffer, ByteBuffer> values, @Nullable Callback<Void> callback) {
        offsets.putAll(values);
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
