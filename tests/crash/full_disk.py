"""full_disk.py - DATA on a volume of 256 MiB that fills up.

The volume lives in a mount namespace of its own, so that nothing stays mounted whatever happens: this file runs itself again inside one.
ext4 on a loop device where there is one, else tmpfs; as root, or as a user who may have user namespaces.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from harness import PATIENCE_S, Failed, Program, Skipped, Unavailable, check, wait_for
from load import Load

MIB = 1024 * 1024
VOLUME_MIB = 256
BALLAST_MIB = 150


def a_full_volume_refuses_events_keeps_the_acknowledged_and_recovers_when_freed(options):
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*namespace, "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"], capture_output=True).returncode != 0:
        raise Skipped(f"neither root nor user namespaces: `{' '.join(namespace)} mount -t tmpfs` fails")
    folder = tempfile.mkdtemp(prefix="sluice-full-")
    done = subprocess.run([*namespace, sys.executable, "-B", __file__, str(options.seed), folder], timeout=300, capture_output=True, text=True)
    print(done.stdout, end="")
    check(done.returncode == 0, done.stdout.splitlines()[-1] if done.returncode == 3 else done.stderr[-2000:])
    shutil.rmtree(folder)  # out here, where nothing is mounted in it


TESTS = [a_full_volume_refuses_events_keeps_the_acknowledged_and_recovers_when_freed]


def mount_volume(folder):
    volume, image = folder / "volume", folder / "image"
    volume.mkdir()
    with image.open("wb") as file:
        file.truncate(VOLUME_MIB * MIB)
    quiet = {"capture_output": True, "check": True}
    try:
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], **quiet)
        subprocess.run(["mount", "-o", "loop", str(image), str(volume)], **quiet)
        kind = "ext4"
    except (subprocess.CalledProcessError, FileNotFoundError):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={VOLUME_MIB}m", "none", str(volume)], **quiet)
        kind = "tmpfs"
    print(f"    {VOLUME_MIB} MiB of {kind}")
    return volume


def free_mib(volume):
    stat = os.statvfs(volume)
    return stat.f_bavail * stat.f_frsize / MIB


def fill(path, mib=None):
    """Takes so much room, or all that is left, down to the last block."""
    with path.open("wb", buffering=0) as file:
        size = 0
        step = 4 * MIB
        while step >= 4096 and (mib is None or size < mib * MIB):
            try:
                size += file.write(os.urandom(step))
            except OSError:
                step //= 2


def is_ready(program):
    health = program.health()
    if health["status"] != "ready":
        raise Unavailable(str([stage for stage in health["stages"] if stage["status"] != "ready"]))
    return True


def inside(seed, folder):
    volume = mount_volume(folder)
    fill(volume / "ballast", BALLAST_MIB)
    with Program(folder, volume / "data") as program:
        program.start()
        with Load(program, seed, threads=3, filler=1500) as load:
            load.wait_acked(1000)
            child = program.wait_child()
            child.signal(signal.SIGSTOP)  # so that much waits for the store when the last block is taken
            began = time.monotonic()
            wait_for("a refusal", lambda: sum(load.refused.values()) >= 10 or load.wrong, 120)
            acked = load.acked_events
            print(f"    refused {dict(load.refused)} after {acked} events and {time.monotonic() - began:.1f} s, {free_mib(volume):.0f} MiB free")
            health = wait_for("/health to tell", lambda: (h := program.health())["status"] == "degraded" and h, 30)
            print("    /health:", [f"{stage['name']}: {stage['why']}" for stage in health["stages"] if stage["why"]])
            fill(volume / "more ballast")
            waiting = program.stage("process")["lag_events"]
            child.signal(signal.SIGCONT)
            print(f"    {free_mib(volume):.2f} MiB free, {waiting} events wait for the store; events go on to come for 5 s")
            time.sleep(5)
            print("    /health:", [f"{stage['name']}: {stage['why']}" for stage in program.health()["stages"] if stage["why"]])
            check(program.popen.poll() is None, "the program ended:", program.said()[-2000:])
            check(load.refusals_without_retry_after == 0, f"{load.refusals_without_retry_after} refusals without Retry-After")
            (volume / "more ballast").unlink()
            (volume / "ballast").unlink()
            freed = time.monotonic()
            load.wait_acked(200, PATIENCE_S)
            print(f"    freed: acknowledged again after {time.monotonic() - freed:.1f} s, {free_mib(volume):.0f} MiB free")
            said = load.verify()
        wait_for("/health to be ready", lambda: is_ready(program), 30)
        check(program.runs == 1, "it was restarted")
        print(f"    {said}; refused {dict(load.refused)}")


if __name__ == "__main__":
    try:
        inside(sys.argv[1], pathlib.Path(sys.argv[2]))
    except Failed as why:
        print(f"    {why}")
        sys.exit(3)
