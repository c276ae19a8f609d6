package dev.millrace.capture;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceDataCollection;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.requests.ProduceResponse;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.TransactionResult;
import org.apache.kafka.common.requests.WriteTxnMarkersRequest;
import org.apache.kafka.common.requests.WriteTxnMarkersRequest.TxnMarkerEntry;
import org.apache.kafka.common.requests.WriteTxnMarkersResponse;
import org.awaitility.Awaitility;

/// Writes records and single markers, bypassing the coordinator: the state that remains when a
/// coordinator considers a transaction ended without having marked all its partitions.
final class ForgetfulCoordinator implements AutoCloseable {

    private static final String VERIFICATION = "transaction.partition.verification.enable";

    private final Admin admin;
    private final Socket socket;
    private final String transactionalId;
    private final long producer;
    private final short epoch;
    private int correlation;

    private ForgetfulCoordinator(
            Admin admin, Socket socket, String transactionalId, long producer, short epoch) {
        this.admin = admin;
        this.socket = socket;
        this.transactionalId = transactionalId;
        this.producer = producer;
        this.epoch = epoch;
    }

    static ForgetfulCoordinator of(CaptureScene scene) throws Exception {
        Admin admin = Admin.create(scene.kafka);
        String id = scene.topics.captureTransactionalId();
        TransactionDescription last =
                admin.describeTransactions(List.of(id)).all().get().values().iterator().next();
        return open(scene, admin, last.producerId(), (short) last.producerEpoch());
    }

    /// With an unknown producer id.
    static ForgetfulCoordinator ofUnknownProducer(CaptureScene scene) throws Exception {
        return open(scene, Admin.create(scene.kafka), 987_654_321L, (short) 0);
    }

    private static ForgetfulCoordinator open(
            CaptureScene scene, Admin admin, long producer, short epoch) throws Exception {
        String[] address = String.valueOf(scene.kafka.get("bootstrap.servers")).split(":", 2);
        verify(admin, false);
        return new ForgetfulCoordinator(
                admin,
                new Socket(address[0], Integer.parseInt(address[1])),
                scene.topics.captureTransactionalId(),
                producer,
                epoch);
    }

    private static void verify(Admin admin, boolean enable)
            throws ExecutionException, InterruptedException {
        ConfigResource everyBroker = new ConfigResource(ConfigResource.Type.BROKER, "");
        admin.incrementalAlterConfigs(
                        Map.of(
                                everyBroker,
                                List.of(
                                        new AlterConfigOp(
                                                new ConfigEntry(
                                                        VERIFICATION, Boolean.toString(enable)),
                                                AlterConfigOp.OpType.SET))))
                .all()
                .get();
        Awaitility.await()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> verifies(admin) == enable);
    }

    private static boolean verifies(Admin admin) throws ExecutionException, InterruptedException {
        String node = admin.describeCluster().nodes().get().iterator().next().idString();
        return admin
                .describeConfigs(List.of(new ConfigResource(ConfigResource.Type.BROKER, node)))
                .all()
                .get()
                .values()
                .stream()
                .map(config -> config.get(VERIFICATION))
                .allMatch(entry -> entry != null && Boolean.parseBoolean(entry.value()));
    }

    /// @return the offset after the last record
    long write(TopicPartition partition, List<SimpleRecord> records) throws IOException {
        ProduceRequestData data =
                new ProduceRequestData()
                        .setTransactionalId(transactionalId)
                        .setAcks((short) -1)
                        .setTimeoutMs(10_000)
                        .setTopicData(
                                new TopicProduceDataCollection(
                                        List.of(
                                                        new TopicProduceData()
                                                                .setName(partition.topic())
                                                                .setPartitionData(
                                                                        List.of(
                                                                                batch(
                                                                                        partition,
                                                                                        records))))
                                                .iterator()));
        ProduceResponse response =
                (ProduceResponse)
                        send(
                                ProduceRequest.builder(data, true)
                                        .build(
                                                ProduceRequest
                                                        .LAST_STABLE_VERSION_BEFORE_TRANSACTION_V2));
        var answer = response.data().responses().iterator().next().partitionResponses().getFirst();
        require(Errors.forCode(answer.errorCode()), partition);
        return answer.baseOffset() + records.size();
    }

    private PartitionProduceData batch(TopicPartition partition, List<SimpleRecord> records) {
        return new PartitionProduceData()
                .setIndex(partition.partition())
                .setRecords(
                        MemoryRecords.withTransactionalRecords(
                                Compression.NONE,
                                producer,
                                epoch,
                                0,
                                records.toArray(SimpleRecord[]::new)));
    }

    void mark(TopicPartition partition, TransactionResult result) throws Exception {
        short version = 1;
        int coordinator =
                admin
                        .describeProducers(List.of(partition))
                        .partitionResult(partition)
                        .get()
                        .activeProducers()
                        .stream()
                        .filter(known -> known.producerId() == producer)
                        .mapToInt(known -> Math.max(0, known.coordinatorEpoch().orElse(0)))
                        .findFirst()
                        .orElseThrow();
        WriteTxnMarkersResponse response =
                (WriteTxnMarkersResponse)
                        send(
                                new WriteTxnMarkersRequest.Builder(
                                                List.of(
                                                        new TxnMarkerEntry(
                                                                producer,
                                                                epoch,
                                                                coordinator,
                                                                result,
                                                                List.of(partition),
                                                                (short) 0)))
                                        .build(version));
        response.errorsByProducerId()
                .values()
                .forEach(errors -> errors.forEach((where, error) -> require(error, where)));
    }

    private static void require(Errors error, TopicPartition partition) {
        if (error != Errors.NONE) {
            throw new IllegalStateException(partition + ": " + error);
        }
    }

    private AbstractResponse send(AbstractRequest request) throws IOException {
        RequestHeader header =
                new RequestHeader(request.apiKey(), request.version(), "test", ++correlation);
        ByteBuffer sent = request.serializeWithHeader(header);
        byte[] bytes = new byte[sent.remaining()];
        sent.get(bytes);
        DataOutputStream out = new DataOutputStream(socket.getOutputStream());
        out.writeInt(bytes.length);
        out.write(bytes);
        out.flush();
        DataInputStream in = new DataInputStream(socket.getInputStream());
        return AbstractResponse.parseResponse(ByteBuffer.wrap(in.readNBytes(in.readInt())), header);
    }

    @Override
    public void close() throws IOException, ExecutionException {
        try (socket;
                admin) {
            verify(admin, true);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
