package dev.millrace.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BundleTest {

    @TempDir private Path folder;

    private static String read(Path bundle, String name) throws IOException {
        try (ZipFile zip = new ZipFile(bundle.toFile())) {
            ZipEntry entry = zip.getEntry(name);
            return new String(zip.getInputStream(entry).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void aPartThatFailsIsRecordedAndLeavesTheOthers() throws IOException {
        Bundle bundle = new Bundle(new Redaction(List.of("hunter2-hunter2")));
        bundle.add("a.txt", "a", () -> "has hunter2-hunter2 and hunter2-hunter2");
        bundle.add(
                "b.json",
                "b",
                () -> {
                    throw new SQLException("role hunter2-hunter2 lacks it", "42501");
                });
        bundle.add(
                "c.json",
                "c",
                () -> {
                    throw new Bundle.LeftOut("not asked");
                });
        bundle.add(
                "d.json",
                "d",
                () -> {
                    throw new SQLException("duplicate key (name)=(secret row)", "23505");
                });
        bundle.add("e.json", "e", () -> Map.of("number", 7));
        Path file = folder.resolve("x.zip");

        List<Bundle.Outcome> outcomes = bundle.write(file, Instant.EPOCH, "millrace 1");

        assertThat(outcomes)
                .containsExactly(
                        new Bundle.Outcome("a.txt", "a", "included", "", 2),
                        new Bundle.Outcome("b.json", "b", "failed", "role *** lacks it", 1),
                        new Bundle.Outcome("c.json", "c", "left out", "not asked", 0),
                        new Bundle.Outcome(
                                "d.json",
                                "d",
                                "failed",
                                "the server's message is not shown because it may quote a value"
                                        + " (SQLSTATE 23505)",
                                0),
                        new Bundle.Outcome("e.json", "e", "included", "", 0));
        assertThat(read(file, "a.txt")).isEqualTo("has *** and ***");
        assertThat(read(file, "e.json")).contains("7");
        assertThat(read(file, "manifest.json"))
                .contains("1970-01-01", "millrace 1", "left out", "not asked")
                .doesNotContain("hunter2", "secret row");
    }

    @Test
    void aFileThatExistsIsKept() throws IOException {
        Path file = Files.writeString(folder.resolve("x.zip"), "mine");
        Bundle bundle = new Bundle(new Redaction(List.of()));

        assertThatThrownBy(() -> bundle.write(file, Instant.EPOCH, ""))
                .isInstanceOf(FileAlreadyExistsException.class);

        assertThat(file).hasContent("mine");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    long-secret | xlong-secrety        | x***y
                    abc         | abc abcd (abc)=abc.  | *** abcd (***)=***.
                    a"b\\c-long | {"k":"a\\"b\\\\c-long"} | {"k":"***"}
                    p w/d+long  | ?x=p+w%2Fd%2Blong    | ?x=***
                    long-long   | long-long-secret     | ***-secret
                    """)
    void replacesSecretsInEveryForm(String secret, String text, String shown) {
        assertThat(new Redaction(List.of(secret, "")).apply(text).text()).isEqualTo(shown);
    }
}
