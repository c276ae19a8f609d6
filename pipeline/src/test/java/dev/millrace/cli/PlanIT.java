package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.PreflightPlanner;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanIT {

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newDatabase();
    private final StringWriter printed = new StringWriter();

    @TempDir private Path folder;

    private int plan(String password, String select, String... options) throws IOException {
        Path file = folder.resolve("millrace.yaml");
        Files.writeString(
                file,
                """
                migration: shop
                source: {url: '%s', username: '%s', password: '%s'}
                target: {url: '%s', username: '%s', password: '%s'}
                tables:
                  public.t: %s
                """
                        .formatted(
                                source.url(),
                                "capture",
                                password,
                                target.url(),
                                "apply",
                                "pw",
                                select));
        PrintWriter out = new PrintWriter(printed, true);
        Terminal terminal = new Terminal(out, out, Map.of(), InstantSource.system(), false, 100);
        String[] arguments = new String[3 + options.length];
        arguments[0] = "plan";
        arguments[1] = "-c";
        arguments[2] = file.toString();
        System.arraycopy(options, 0, arguments, 3, options.length);
        return new Millrace(terminal, new Providers(null, PreflightPlanner::new, null, null))
                .run(arguments);
    }

    @Test
    void exitCodeShowsWhetherTheMigrationCanStart() throws IOException {
        source.execute("CREATE TABLE t (id int PRIMARY KEY, a text)", "CREATE TABLE bare (id int)");
        target.execute("CREATE TABLE t (id int PRIMARY KEY, a text)");

        assertThat(plan("pw", "SELECT * FROM public.t")).isEqualTo(ExitCode.USAGE);
        GrantedLogins.granted(folder.resolve("millrace.yaml"), source, target);
        source.execute("GRANT SELECT ON bare TO capture");

        assertThat(plan("pw", "SELECT * FROM public.t")).isEqualTo(ExitCode.DONE);
        assertThat(plan("pw", "SELECT id, b FROM public.t")).isEqualTo(ExitCode.USAGE);
        assertThat(plan("pw", "SELECT id FROM public.bare")).isEqualTo(ExitCode.REFUSED);
        assertThat(printed.toString())
                .contains("shop can start: 1 target table")
                .contains("public.t has no column b")
                .contains("has no primary key");
    }

    @Test
    void aWrongPasswordAppearsNowhere() throws IOException {
        assertThat(plan("canary-5521", "SELECT * FROM public.t", "-o", "json", "--debug"))
                .isEqualTo(ExitCode.USAGE);

        assertThat(printed.toString()).contains("source.reachable").doesNotContain("canary-5521");
    }
}
