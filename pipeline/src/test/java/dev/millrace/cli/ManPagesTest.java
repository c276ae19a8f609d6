package dev.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.support.ManPages;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

class ManPagesTest {

    @Command(
            name = "sample",
            description = "Copy a-b. It has \\ and more.",
            footer = "Exit codes: 0 done.")
    private static final class Sample {

        @Option(names = "--size", paramLabel = "N", description = "Rows (default: 7).")
        private int size;

        @Option(names = "--secret", hidden = true, description = "Not shown.")
        private boolean hidden;

        @Parameters(paramLabel = "WHAT", description = ".profile or others")
        private String what = "";
    }

    @Test
    void aPageHasNameSynopsisArgumentsOptionsAndExitStatus() {
        String page = ManPages.of(new CommandLine(new Sample()), "sample 1.0").get("sample.1");

        assertThat(page)
                .startsWith(".TH \"SAMPLE\" \"1\" \"\" \"sample 1.0\" \"Millrace\"\n")
                .contains(
                        "sample \\- Copy a\\-b\n",
                        "It has \\e and more.\n",
                        "\n\\fBWHAT\\fR\n\\&.profile or others\n",
                        "\n\\fB\\-\\-size=N\\fR\nRows (default: 7).\n",
                        ".SH \"EXIT STATUS\"\n0 done.\n")
                .doesNotContain("secret");
        assertThat(Pattern.compile("(?m)^\\.SH \"(.*)\"$").matcher(page).results())
                .extracting(section -> section.group(1))
                .containsExactly(
                        "NAME",
                        "SYNOPSIS",
                        "DESCRIPTION",
                        "ARGUMENTS",
                        "OPTIONS",
                        "EXIT STATUS",
                        "SEE ALSO");
    }

    @Test
    void everyCommandHasAPage(@TempDir Path folder) throws Exception {
        Invocation run = new Invocation().run("generate-man", folder.resolve("man1").toString());

        assertThat(run.exitCode()).as(run.err()).isZero();
        TreeSet<String> written = new TreeSet<>();
        try (Stream<Path> files = Files.list(folder.resolve("man1"))) {
            files.forEach(file -> written.add(file.getFileName().toString()));
        }
        assertThat(written)
                .contains(
                        "millrace.1",
                        "millrace-status.1",
                        "millrace-rejected-list.1",
                        "millrace-journal-verify.1",
                        "millrace-doctor.1",
                        "millrace-runbook.1")
                .noneMatch(name -> name.contains("generate"));
        String top = Files.readString(folder.resolve("man1/millrace.1"));
        assertThat(written)
                .filteredOn(name -> name.matches("millrace-[a-z]+\\.1"))
                .allMatch(
                        name ->
                                top.contains(
                                        name.replaceFirst("\\.1$", "").replace("-", "\\-")
                                                + "\\fR(1)"));
        assertThat(Files.readString(folder.resolve("man1/millrace-status.1")))
                .contains("\\-\\-watch", "\\-\\-url");
    }
}
