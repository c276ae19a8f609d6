package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Every query of the runbooks runs on a server.
class RunbookQueriesIT {

    private static final Pattern BLOCK = Pattern.compile("(?s)```sql\n(.*?)```");

    @Test
    void everyQueryRuns() throws IOException {
        TestDatabase target = PostgresServer.shared().newTarget();
        Path documents = Checkout.repository().root().resolve("docs");
        List<String> queries;
        try (Stream<Path> pages = Files.list(documents.resolve("runbooks"))) {
            queries =
                    Stream.concat(
                                    pages.sorted(),
                                    Stream.of(documents.resolve("troubleshooting.md")))
                            .flatMap(RunbookQueriesIT::queries)
                            .toList();
        }

        assertThat(queries).hasSizeGreaterThan(10);
        for (String query : queries) {
            assertThatCode(() -> target.query(query)).as(query).doesNotThrowAnyException();
        }
    }

    private static Stream<String> queries(Path page) {
        try {
            return BLOCK.matcher(Files.readString(page))
                    .results()
                    .flatMap(block -> Stream.of(block.group(1).split(";\\s*\n")))
                    .map(String::strip)
                    .filter(query -> query.startsWith("SELECT"));
        } catch (IOException e) {
            throw new AssertionError(page.toString(), e);
        }
    }
}
