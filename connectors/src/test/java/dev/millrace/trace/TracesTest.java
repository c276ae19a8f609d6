package dev.millrace.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Lsn;
import dev.millrace.trace.Traces.Span;
import java.net.URI;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TracesTest {

    private final List<Span> exported = new ArrayList<>();

    private Traces traces(double ratio) {
        return new Traces(ratio, InstantSource.fixed(Instant.ofEpochSecond(100)), exported::add);
    }

    private static Origin origin(long transaction) {
        return new Origin(new Lsn(7), transaction, 99_000_000);
    }

    @ParameterizedTest
    @CsvSource({
        "http:///v1, 1, No HTTP address",
        "http:4318, 1, No HTTP address",
        "localhost:4318, 1, No HTTP address",
        "ftp://localhost:4318, 1, No HTTP address",
        "//localhost:4318, 1, No HTTP address",
        "http://localhost:4318, -0.1, No ratio",
        "http://localhost:4318, 1.1, No ratio",
        "http://localhost:4318, NaN, No ratio"
    })
    void aCollectorThatCannotBeAskedIsRefused(URI endpoint, double ratio, String reason) {
        assertThatThrownBy(() -> OtlpExporter.install(endpoint, ratio, InstantSource.system()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(reason);
    }

    @Test
    void samplesTransactionsAndNotChanges() {
        Traces.Capture capture = traces(0.1).capture("shop");
        for (int transaction = 1; transaction <= 10_000; transaction++) {
            for (int change = 0; change < 3; change++) {
                capture.added(change, origin(transaction));
            }
        }

        capture.committed();

        assertThat(exported).hasSizeBetween(900, 1_100);
        assertThat(exported).extracting(span -> span.context().traceId()).doesNotHaveDuplicates();
    }

    @Test
    void samplesNoRowThatTheBackfillRead() {
        Traces.Capture capture = traces(1).capture("shop");

        capture.added(0, Origin.NONE);
        capture.committed();

        assertThat(exported).isEmpty();
    }

    @Test
    void aBlockHasOneHeaderOfEachSampledTransaction() {
        Traces.Capture capture = traces(1).capture("shop");
        capture.added(0, origin(5));
        capture.added(0, origin(5));
        capture.added(0, origin(6));
        capture.added(1, origin(6));
        RecordHeaders first = new RecordHeaders();
        RecordHeaders second = new RecordHeaders();
        RecordHeaders later = new RecordHeaders();

        capture.sent(0, first);
        capture.sent(1, second);
        capture.committed();
        capture.sent(0, later);

        assertThat(TraceContext.read(first))
                .containsExactlyInAnyOrderElementsOf(exported.stream().map(Span::context).toList());
        assertThat(TraceContext.read(second)).hasSize(1).isSubsetOf(TraceContext.read(first));
        assertThat(later).isEmpty();
    }

    @Test
    void followsABlockUntilTheTargetHasAllOfIt() {
        Traces traces = traces(1);
        Traces.Capture capture = traces.capture("shop");
        capture.added(0, origin(5));
        RecordHeaders headers = new RecordHeaders();
        capture.sent(0, headers);
        Runnable written = traces.mapped("target", 0, 99_500, headers);
        Traces.Apply apply = traces.apply("shop");
        apply.read(0, 10, headers);

        apply.applied(0, 10);
        assertThat(exported).isEmpty();
        written.run();
        apply.applied(0, 11);
        apply.applied(0, 12);

        assertThat(exported).extracting(Span::name).containsExactly("mappings", "apply");
        assertThat(exported.getLast().parent()).isEqualTo(exported.getFirst().context().spanId());
    }

    @Test
    void leavesOutWhatIsNoTraceContext() {
        RecordHeaders headers = new RecordHeaders();
        headers.add("traceparent", new byte[] {1, 2});
        headers.add("traceparent", null);
        headers.add("other", new byte[0]);

        assertThat(TraceContext.read(headers)).isEmpty();
    }
}
