package dev.millrace.faults.harness;

import dev.millrace.kafka.KafkaClients;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.clients.producer.Producer;

/// A fault in the product that the harness must find: one compiled class, changed in one place. The
/// changed class precedes the product's on the class path of the children; the product itself has
/// no switch for it.
enum Mutant {
    /// Changes are confirmed to the source before the broker has them.
    ACKNOWLEDGED_BEFORE_THE_BROKER_HAS_IT(
            "dev.millrace.capture.ChangeLogWriter",
            "open",
            (code, element) -> {
                if (calls(element, KafkaClients.class.getSimpleName(), "transactionalProducer")) {
                    code.invokestatic(
                            ClassDesc.of(EarlyProducer.class.getName()),
                            "open",
                            MethodTypeDesc.of(
                                    ClassDesc.of(Producer.class.getName()),
                                    ConstantDescs.CD_Map,
                                    ConstantDescs.CD_String));
                } else {
                    code.with(element);
                }
            }),

    /// The offsets of the mappings' consumer group are committed before the target topic has the
    /// output.
    GROUP_BEFORE_THE_OUTPUT(
            "dev.millrace.mappings.OrderedProducerClients",
            "getProducer",
            (code, element) -> {
                if (element instanceof ReturnInstruction) {
                    code.invokestatic(
                            ClassDesc.of(EarlyProducer.class.getName()),
                            "before",
                            MethodTypeDesc.of(
                                    ClassDesc.of(Producer.class.getName()),
                                    ClassDesc.of(Producer.class.getName())));
                }
                code.with(element);
            }),

    /// The stored offset is committed, then the rows.
    OFFSET_BEFORE_THE_ROWS(
            "dev.millrace.apply.BatchWriter",
            "apply",
            (code, element) -> {
                if (calls(element, "SessionOrigin", "beginTransaction")) {
                    moveAndCommit(code);
                    code.with(element);
                } else if (calls(element, "BatchWriter", "moveLocked")) {
                    // The number of changes, both offsets and the receiver.
                    code.pop2().pop().pop().pop();
                } else {
                    code.with(element);
                }
            });

    private static final ClassDesc WRITER = ClassDesc.of("dev.millrace.apply.BatchWriter");
    private static final ClassDesc BATCH =
            ClassDesc.of("dev.millrace.apply.task.TargetTask$PartitionBatch");
    private static final ClassDesc OFFSET = ClassDesc.of("dev.millrace.control.StoredOffset");
    private static final ClassDesc CONNECTION = ClassDesc.of("java.sql.Connection");

    private final String className;
    private final String method;
    private final CodeTransform change;

    Mutant(String className, String method, CodeTransform change) {
        this.className = className;
        this.method = method;
        this.change = change;
    }

    /// `moveLocked(batch.from(), batch.to(), 0); connection.commit();`
    private static void moveAndCommit(CodeBuilder code) {
        code.aload(0)
                .aload(1)
                .invokevirtual(BATCH, "from", MethodTypeDesc.of(OFFSET))
                .aload(1)
                .invokevirtual(BATCH, "to", MethodTypeDesc.of(OFFSET))
                .lconst_0()
                .invokevirtual(
                        WRITER,
                        "moveLocked",
                        MethodTypeDesc.of(
                                ConstantDescs.CD_void, OFFSET, OFFSET, ConstantDescs.CD_long))
                .aload(0)
                .getfield(WRITER, "connection", CONNECTION)
                .invokeinterface(CONNECTION, "commit", MethodTypeDesc.of(ConstantDescs.CD_void));
    }

    private static boolean calls(CodeElement element, String owner, String method) {
        return element instanceof InvokeInstruction call
                && call.name().equalsString(method)
                && call.owner().asInternalName().endsWith("/" + owner);
    }

    /// A folder with the changed class.
    ///
    /// @throws IllegalStateException if the product has no such place any more
    List<String> classPath() {
        String resource = className.replace('.', '/') + ".class";
        try (InputStream original = Mutant.class.getClassLoader().getResourceAsStream(resource)) {
            if (original == null) {
                throw new IllegalStateException("no class " + className);
            }
            byte[] before = original.readAllBytes();
            byte[] after =
                    ClassFile.of()
                            .transformClass(
                                    ClassFile.of().parse(before),
                                    ClassTransform.transformingMethodBodies(
                                            each -> each.methodName().equalsString(method),
                                            change));
            Path folder = TestFolders.create("mutant");
            Path file = folder.resolve(resource);
            Files.createDirectories(file.getParent());
            Files.write(file, after);
            if (Arrays.equals(before, after)) {
                throw new IllegalStateException("nothing to change in " + className);
            }
            return List.of(folder.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
