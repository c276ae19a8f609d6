package dev.millrace.cli;

import dev.millrace.cli.service.ServiceClient;
import dev.millrace.cli.text.JournalView;
import dev.millrace.control.journal.JournalChain.Finding;
import dev.millrace.ending.StoredJournal;
import dev.millrace.journal.JournalPage;
import dev.millrace.lifecycle.Reason;
import dev.millrace.spec.SpecResult;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "journal",
        description = "Show who did what when, and why: the journal of the migration.",
        mixinStandardHelpOptions = true)
final class JournalCommand implements Callable<Integer> {

    private static final Duration INTERVAL = Duration.ofSeconds(1);

    private final Terminal terminal;
    private final Pause pause;
    @Mixin private ServiceOptions service = new ServiceOptions();
    @Mixin private OutputOption output = new OutputOption();

    @Option(
            names = "--follow",
            description = "Wait for new entries until Ctrl-C. JSON has one entry per line then.")
    private boolean follow;

    private JournalCommand(Terminal terminal, Pause pause) {
        this.terminal = terminal;
        this.pause = pause;
    }

    static CommandLine of(Terminal terminal, Pause pause) {
        return new CommandLine(new JournalCommand(terminal, pause))
                .addSubcommand(new VerifyCommand(terminal));
    }

    @Override
    public Integer call() {
        ServiceClient client = service.connect(terminal, pause);
        JournalView view = new JournalView(terminal, output.isJson(), follow);
        while (true) {
            String body = client.get("journal?after=" + view.last(), ServiceClient.JSON);
            JournalPage page = client.read(body, JournalPage.class);
            view.show(page);
            if (page.entries().isEmpty()) {
                if (!follow) {
                    view.end();
                    return ExitCode.DONE;
                }
                pause.between(INTERVAL);
            }
        }
    }

    @Command(
            name = "verify",
            description =
                    "Check that no entry of the journal was changed, removed, inserted or moved."
                            + " Reads the target, or the archive of a migration that has ended;"
                            + " needs no service.",
            mixinStandardHelpOptions = true)
    private static final class VerifyCommand implements Callable<Integer> {

        private final Terminal terminal;
        @Mixin private SpecOption spec = new SpecOption();
        @Mixin private OutputOption output = new OutputOption();

        @Option(
                names = "--contains",
                paramLabel = "HASH",
                description =
                        "A hash that was noted earlier: an entry must have it. Without it, a journal"
                                + " that was written again as a whole is not detected.")
        private String noted = "";

        private VerifyCommand(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() {
            SpecResult.Valid valid = spec.read(terminal);
            Optional<StoredJournal> stored = find(valid);
            Finding finding =
                    stored.map(journal -> journal.chain().check()).orElseGet(Finding.Empty::new);
            boolean lost = !noted.isBlank() && isLost(noted.strip(), finding, stored);
            JournalView.verified(
                    terminal,
                    output.isJson(),
                    valid.spec().migration(),
                    stored.map(StoredJournal::place).orElse("the target"),
                    finding,
                    lost);
            return lost ? ExitCode.DIFFERENT : exitCode(finding);
        }

        /// An entry existed that does not exist any more, as a journal without entries says too.
        private static boolean isLost(
                String hash, Finding finding, Optional<StoredJournal> stored) {
            return switch (finding) {
                case Finding.Unbroken _ -> !stored.orElseThrow().chain().contains(hash);
                case Finding.Empty _ -> true;
                case Finding.Broken _ -> false;
            };
        }

        private static Optional<StoredJournal> find(SpecResult.Valid valid) {
            try {
                return StoredJournal.find(valid.spec());
            } catch (IOException | SQLException e) {
                throw new CommandFailure(
                        ExitCode.FAILED,
                        "The journal cannot be read: %s."
                                .formatted(Reason.of(e).orElse("I/O error")),
                        "Nothing was checked. Run the command again when the cause is removed.",
                        e);
            }
        }

        private static int exitCode(Finding finding) {
            return switch (finding) {
                case Finding.Unbroken _ -> ExitCode.DONE;
                case Finding.Broken _ -> ExitCode.DIFFERENT;
                case Finding.Empty _ -> ExitCode.UNDECIDED;
            };
        }
    }
}
