package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.faults.RangeReads.Range;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class RangeReadsTest {

    private static final long PAGE = 1 << 16;

    private static Range range(long session, long from, long to) {
        return new Range(session, from, to);
    }

    @Test
    void findsTheRangesInThePartOfALog() throws IOException {
        String first =
                "7 LOG:  statement: COPY (SELECT t.ctid, t.\"id\" FROM ONLY \"public\".\"item\" t"
                        + " WHERE ctid >= '(0,0)' AND ctid < '(2,5)') TO STDOUT\n";
        String others = "7 LOG:  statement: ROLLBACK\n8 LOG:  statement: SELECT 'é'\n";
        String last = first.replace("7 LOG", "8 LOG").replace(" AND ctid < '(2,5)'", "");
        Path log = TestFolders.create("log").resolve("server.log");
        Files.writeString(log, first + others + last);

        assertThat(RangeReads.of(log, 0, Files.size(log)).ranges())
                .containsExactly(range(7, 0, 2 * PAGE + 5), range(8, 0, Long.MAX_VALUE));
        assertThat(RangeReads.of(log, first.length(), Files.size(log)).sessions()).isEqualTo(1);
        assertThat(RangeReads.of(log, 0, first.length()).ranges()).hasSize(1);
    }

    @Test
    void aReadThatStoppedEndsWhereTheNextOneBegins() {
        RangeReads reads =
                new RangeReads(List.of(range(1, 0, 90), range(2, 90, 200), range(1, 40, 90)));

        assertThat(reads.ended().ranges())
                .containsExactly(range(1, 0, 40), range(1, 40, 90), range(2, 90, 200));
    }

    @Test
    void aRangeIsReadAgainByAnyPart() {
        RangeReads before = new RangeReads(List.of(range(1, 0, 40), range(2, 40, 90)));
        RangeReads after = new RangeReads(List.of(range(3, 60, 70), range(4, 90, 100)));

        assertThat(before.readAgainBy(after).ranges()).containsExactly(range(2, 40, 90));
        assertThat(before.readAgainBy(new RangeReads(List.of())).ranges()).isEmpty();
    }
}
