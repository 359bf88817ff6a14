"""Libraries that search for the greatest inner products, each on one thread, with the vectors of an output layer.

    retrieval.py check LIBRARY            versions of its packages
    retrieval.py search LIBRARY FOLDER    answers the queries of FOLDER, once for each line `round` of standard input

FOLDER has weights.npy, bias.npy, training.npy (queries of training examples) and queries.npy. A library says in a line of JSON what each of
its methods took to build, then `ready`; after a round, a line for each method with the time of a query, then `done`. The answers,
lines `label:score label:score ...`, go to the file answers-LIBRARY-METHOD of FOLDER.

Times are of the processor, less what reading its clock takes. Those that search approximately get what is known to help them: queries minus the mean training query, whose products with the weights are
added to the bias, the bias as one more column, and rows minus the mean row.
"""

import importlib.metadata
import json
import os
import sys
import tempfile
import time

import numpy

BEST = 5
WARM_UP = 20
# The column of the biases is divided by this, and that of the queries multiplied: biases vary more than the products with weights do, and
# lists would be lists of similar biases. Of 1, 2 and 4 the one that is good for ScaNN on both debian and tibkat.
COLUMN = 2.0


class Vectors:
    def __init__(self, folder):
        weights, bias, training, queries = (
            numpy.load(os.path.join(folder, name + ".npy")) for name in ["weights", "bias", "training", "queries"]
        )
        self.weights, self.bias, self.queries = weights, bias, queries
        self.labels = len(bias)
        mean = training.mean(axis=0)
        rows = numpy.column_stack([weights, bias + weights @ mean])
        # No ranking depends on the mean row.
        rows -= rows.mean(axis=0)
        rows[:, -1] /= COLUMN
        column = numpy.full((len(queries), 1), COLUMN)
        self.rows = numpy.ascontiguousarray(rows, dtype=numpy.float32)
        self.centred = numpy.ascontiguousarray(numpy.hstack([queries - mean, column]), dtype=numpy.float32)
        self.row_bytes = self.rows.shape[1] * 4

    def of_distances(self):
        """Rows and queries whose nearest are those of the greatest products: a further column makes all rows of one length. Graphs of
        neighbours need distances."""
        squares = (self.rows**2).sum(axis=1)
        rows = numpy.column_stack([self.rows, numpy.sqrt(squares.max() - squares)])
        queries = numpy.column_stack([self.centred, numpy.zeros(len(self.centred))])
        return rows.astype(numpy.float32), queries.astype(numpy.float32)


class Numpy:
    """All products, and the best of them."""

    packages = ["numpy"]

    def build(self, vectors):
        def search(query):
            scores = vectors.weights @ query + vectors.bias
            best = numpy.argpartition(scores, -BEST)[-BEST:]
            return best[numpy.argsort(-scores[best])]

        yield "exact", 0, vectors.queries, search


class Onnxruntime:
    """MatMul, Add, TopK: what an exported network ends with."""

    packages = ["onnxruntime"]

    def build(self, vectors):
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper

        width, labels = vectors.weights.shape[1], vectors.labels
        nodes = [
            helper.make_node("MatMul", ["query", "weights"], ["products"]),
            helper.make_node("Add", ["products", "bias"], ["scores"]),
            helper.make_node("TopK", ["scores", "k"], ["values", "best"]),
        ]
        constants = {
            "weights": numpy.ascontiguousarray(vectors.weights.T),
            "bias": vectors.bias,
            "k": numpy.array([BEST], dtype=numpy.int64),
        }
        tensor = helper.make_tensor_value_info
        graph = helper.make_graph(
            nodes,
            "output layer",
            [tensor("query", TensorProto.FLOAT, [1, width])],
            [tensor("best", TensorProto.INT64, [1, BEST])],
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        yield "exact", 0, vectors.queries[:, None, :], lambda query: session.run(["best"], {"query": query})[0][0]


class Hnswlib:
    packages = ["hnswlib"]

    def build(self, vectors):
        import hnswlib

        rows, queries = vectors.of_distances()
        index = hnswlib.Index(space="l2", dim=rows.shape[1])
        index.init_index(max_elements=vectors.labels, M=16, ef_construction=200)
        index.set_num_threads(1)
        index.add_items(rows, num_threads=1)
        size = index.index_file_size() - rows.nbytes
        for ef in [64, 128, 256]:

            def search(query, ef=ef):
                index.set_ef(ef)
                return index.knn_query(query, k=BEST, num_threads=1)[0][0]

            yield f"ef={ef}", size, queries, search


class Faiss:
    packages = ["faiss-cpu"]

    def build(self, vectors):
        import faiss

        faiss.omp_set_num_threads(1)
        rows, queries = self.vectors(vectors)
        index = faiss.index_factory(rows.shape[1], self.factory, getattr(faiss, self.metric))
        index.train(rows)
        index.add(rows)
        size = self.size(faiss, index, rows)
        for name, parameters in self.methods(faiss):
            search = lambda query, parameters=parameters: index.search(query, BEST, params=parameters)[1][0]
            yield name, size, queries[:, None, :], search

    metric = "METRIC_INNER_PRODUCT"

    def vectors(self, vectors):
        return vectors.rows, vectors.centred

    def size(self, faiss, index, rows):
        return faiss.serialize_index(index).nbytes - rows.nbytes


class FaissHnsw(Faiss):
    factory = "HNSW16,Flat"
    metric = "METRIC_L2"

    def vectors(self, vectors):
        return vectors.of_distances()

    def methods(self, faiss):
        return [(f"HNSW16 ef={ef}", faiss.SearchParametersHNSW(efSearch=ef)) for ef in [64, 128, 256]]


class FaissFlat(Faiss):
    factory = "IVF256,Flat"

    def methods(self, faiss):
        return [(f"IVF256 probes={probes}", faiss.SearchParametersIVF(nprobe=probes)) for probes in [8, 32, 64]]


class FaissFastScan(Faiss):
    """Products in four bits, two columns each, and the best 100 again with all bits."""

    def vectors(self, vectors):
        width = vectors.rows.shape[1]
        more = (0, -width % 16)
        self.factory = f"IVF256,PQ{(width + more[1]) // 2}x4fs,RFlat"
        pad = lambda rows: numpy.pad(rows, ((0, 0), more))
        return pad(vectors.rows), pad(vectors.centred)

    def methods(self, faiss):
        for probes in [8, 32, 64]:
            base = faiss.SearchParametersIVF(nprobe=probes)
            refined = faiss.IndexRefineSearchParameters(k_factor=20, base_index_params=base)
            yield f"IVF256 fast scan probes={probes}", refined


class Scann:
    """The settings of its documentation for as many vectors: leaves near the square root, products in registers, re-ordering."""

    packages = ["scann"]

    def build(self, vectors):
        import scann

        leaves = 256
        builder = scann.scann_ops_pybind.builder(vectors.rows, BEST, "dot_product")
        builder = builder.tree(num_leaves=leaves, num_leaves_to_search=20, training_sample_size=vectors.labels)
        builder = builder.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(100)
        builder = builder.set_n_training_threads(1)
        searcher = builder.build()
        with tempfile.TemporaryDirectory() as folder:
            searcher.serialize(folder)
            files = [file for file in os.scandir(folder) if file.name != "dataset.npy"]
            size = sum(file.stat().st_size for file in files)
        for searched in [20, 40, 80, 160]:

            def search(query, searched=searched):
                return searcher.search(query, final_num_neighbors=BEST, leaves_to_search=searched)[0]

            yield f"{searched} of {leaves} leaves", size, vectors.centred, search


LIBRARIES = {
    "numpy": [Numpy],
    "onnxruntime": [Onnxruntime],
    "hnswlib": [Hnswlib],
    "faiss": [FaissHnsw, FaissFlat, FaissFastScan],
    "scann": [Scann],
}


def say(**what):
    print(json.dumps(what), flush=True)


def answer(folder, library, method, queries, search):
    for query in queries[:WARM_UP]:
        search(query)
    times, clock = [], time.thread_time_ns
    nothing = sorted(-(clock() - clock()) for _ in range(1000))[500]
    with open(os.path.join(folder, f"answers-{library}-{method}"), "w") as file:
        for query in queries:
            start = clock()
            best = search(query)
            times.append(clock() - start - nothing)
            # A search that finds too few fills up with -1.
            file.write(" ".join(f"{label}:0" for label in dict.fromkeys(best.tolist()) if label >= 0) + "\n")
    times.sort()
    at = lambda share: times[(len(times) - 1) * share // 100] / 1e3
    say(method=method, microseconds=at(50), microseconds_99th=at(99))


def search(library, folder):
    vectors, built = Vectors(folder), []
    for kind in LIBRARIES[library]:
        start = time.process_time()
        for method, size, queries, call in kind().build(vectors):
            seconds = time.process_time() - start if size else 0.0
            say(method=method, build_seconds=seconds, bytes_per_label=size / vectors.labels)
            built.append((method, queries, call))
    print("ready", flush=True)
    for line in sys.stdin:
        assert line == "round\n", line
        for method, queries, call in built:
            answer(folder, library, method, queries, call)
        print("done", flush=True)


def check(library):
    packages = [package for kind in LIBRARIES[library] for package in kind.packages]
    __import__({"onnxruntime": "onnx"}.get(library, library))
    __import__(library)
    print(json.dumps({package: importlib.metadata.version(package) for package in packages}))


if __name__ == "__main__":
    {"check": check, "search": search}[sys.argv[1]](*sys.argv[2:])
