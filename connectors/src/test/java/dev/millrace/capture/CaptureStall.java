package dev.millrace.capture;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.TopicPartition;

/// Describes a capture that makes no progress: its threads, its sessions on the source, and its
/// transaction at the coordinator and in the partitions.
final class CaptureStall {

    private CaptureStall() {}

    static String of(CaptureScene scene, SourceCapture capture) {
        return String.join(
                "\n",
                "state " + capture.state(),
                "position " + capture.position(),
                "sessions "
                        + scene.source.query(
                                "SELECT pid, state, wait_event_type, wait_event, left(query, 80) FROM pg_stat_activity WHERE state IS NOT NULL"),
                "slots "
                        + scene.source.query(
                                "SELECT slot_name, active, confirmed_flush_lsn, pg_current_wal_flush_lsn() FROM pg_replication_slots"),
                kafka(scene),
                threads());
    }

    private static String kafka(CaptureScene scene) {
        try (Admin admin = Admin.create(scene.kafka)) {
            return admin.describeTransactions(List.of(scene.topics.captureTransactionalId()))
                            .all()
                            .get()
                    + "\n"
                    + admin.describeProducers(
                                    List.of(
                                            new TopicPartition(scene.topics.changes(), 0),
                                            new TopicPartition(scene.topics.changes(), 1),
                                            new TopicPartition(scene.topics.position(), 0)))
                            .all()
                            .get();
        } catch (ExecutionException e) {
            return "the broker does not report it: " + e.getCause();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }

    private static String threads() {
        return Thread.getAllStackTraces().entrySet().stream()
                .filter(each -> each.getValue().length > 0)
                .map(CaptureStall::thread)
                .collect(Collectors.joining("\n"));
    }

    private static String thread(Map.Entry<Thread, StackTraceElement[]> each) {
        return each.getKey().getName()
                + " "
                + each.getKey().getState()
                + Arrays.stream(each.getValue())
                        .limit(25)
                        .map(frame -> "\n    " + frame)
                        .collect(Collectors.joining());
    }
}
