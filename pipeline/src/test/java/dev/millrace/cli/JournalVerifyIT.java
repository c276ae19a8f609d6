package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `journal verify` over a real control schema, without a service.
class JournalVerifyIT {

    private final TestDatabase target = PostgresServer.shared().newTarget();
    private final Login login = GrantedLogins.target(target);

    @TempDir private Path folder;

    @BeforeEach
    void writeEntries() {
        target.execute(
                "INSERT INTO millrace.journal (migration, who, phase, event) SELECT 'shop', 'ann', 'IN_SYNC', 'event ' || n FROM generate_series(1, 5) n");
    }

    private Invocation verifyAs(String migration, String password, String... options)
            throws IOException {
        Path file = folder.resolve("millrace.yaml");
        Files.writeString(
                file,
                """
                migration: %s
                source: {url: '%s', username: 'u', password: 'p'}
                target: {url: '%s', username: '%s', password: '%s'}
                tables:
                  public.t: SELECT * FROM t
                """
                        .formatted(migration, target.url(), target.url(), login.name(), password));
        String[] arguments = new String[4 + options.length];
        arguments[0] = "journal";
        arguments[1] = "verify";
        arguments[2] = "-c";
        arguments[3] = file.toString();
        System.arraycopy(options, 0, arguments, 4, options.length);
        return new Invocation().run(arguments);
    }

    private Invocation verify(String... options) throws IOException {
        return verifyAs("shop", GrantedLogins.PASSWORD, options);
    }

    private String hash(int number) {
        return Objects.requireNonNull(
                target.value("SELECT hash FROM millrace.journal WHERE number = " + number));
    }

    @Test
    void anUnbrokenJournalExitsZeroAndPrintsItsHash() throws IOException {
        Invocation verb = verify();

        assertThat(verb.exitCode()).as(verb.err()).isZero();
        assertThat(verb.out()).contains("unbroken", "Entries: 5", hash(5));
    }

    @Test
    void aBrokenJournalExitsFourAndNamesTheEntry() throws IOException {
        target.execute(
                "ALTER TABLE millrace.journal DISABLE TRIGGER ALL",
                "DELETE FROM millrace.journal WHERE number = 3");

        Invocation verb = verify("-o", "json");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.DIFFERENT);
        JsonNode result = JsonMapper.shared().readTree(verb.out());
        assertThat(result.path("state").asString()).isEqualTo("broken");
        assertThat(result.path("number").asLong()).isEqualTo(3);
        assertThat(result.path("damage").asString()).isEqualTo("removed");
        assertThat(verify().out()).contains("Entry 3 was removed");
    }

    @Test
    void anEntryMustHaveTheNotedHash() throws IOException {
        assertThat(verify("--contains", hash(2)).exitCode()).isZero();

        Invocation lost = verify("--contains", "f".repeat(64));

        assertThat(lost.exitCode()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(lost.out()).contains("no entry has the noted hash");
    }

    @Test
    void aMigrationWithoutAJournalIsUndecided() throws IOException {
        assertThat(verifyAs("unknown", GrantedLogins.PASSWORD).exitCode())
                .isEqualTo(ExitCode.UNDECIDED);
        target.execute("DROP SCHEMA millrace CASCADE");
        assertThat(verify().exitCode()).isEqualTo(ExitCode.UNDECIDED);
    }

    /// The entry with the noted hash existed.
    @Test
    void aJournalThatWasRemovedDoesNotContainANotedHash() throws IOException {
        String noted = hash(2);
        target.execute("DROP SCHEMA millrace CASCADE");

        Invocation lost = verify("--contains", noted, "-o", "json");

        assertThat(lost.exitCode()).isEqualTo(ExitCode.DIFFERENT);
        assertThat(JsonMapper.shared().readTree(lost.out()).path("state").asString())
                .isEqualTo("lost");
        assertThat(verify("--contains", noted).out()).contains("no entry found");
    }

    @Test
    void aTargetThatDoesNotAnswerIsAFailure() throws IOException {
        Invocation verb = verifyAs("shop", "canary-7711");

        assertThat(verb.exitCode()).isEqualTo(ExitCode.FAILED);
        assertThat(verb.err()).contains("The journal cannot be read");
        assertThat(verb.err() + verb.out()).doesNotContain("canary-7711");
    }

    @Test
    void anUnreadableArchiveIsAFailure() throws IOException {
        Files.createDirectories(folder.resolve("millrace-data"));
        Files.writeString(folder.resolve("millrace-data").resolve("shop.archive.json"), "{");

        assertThat(verify().exitCode()).isEqualTo(ExitCode.FAILED);
    }
}
