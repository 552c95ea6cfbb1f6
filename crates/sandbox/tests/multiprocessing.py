"""Processes of Python in every way in which it makes them, with what they share."""

import concurrent.futures
import multiprocessing
from multiprocessing import shared_memory


def square(number):
    return number * number


def put(queue):
    queue.put("text")


if __name__ == "__main__":
    for way in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(way).Pool(3) as pool:
            assert sum(pool.map(square, range(100))) == 328350, way
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        assert list(pool.map(square, [2, 3])) == [4, 9]
    shared = shared_memory.SharedMemory(create=True, size=1 << 20)
    shared.buf[0] = 7
    shared.close()
    shared.unlink()
    with multiprocessing.Manager() as manager:
        held = manager.dict({1: 2})
        assert dict(held) == {1: 2}
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=put, args=(queue,))
    process.start()
    assert queue.get() == "text"
    process.join()
    print("all of it")
