"""Every error of the inspection core, in one tree.

```
LinesideError
├── FrameError                  a frame cannot be judged: the part becomes NOT_INSPECTED
│   ├── UndecodableFrame (ValueError)    bytes that are no complete picture of the declared kind
│   ├── FrameTooLarge (ValueError)       more pixels than the limit, found before allocation
│   ├── GeometryMismatch (ValueError)    another size, depth or channel count than declared
│   └── RegistrationRefused (ValueError) the frame does not fit its reference image
├── EngineError (RuntimeError)  a model ran and did not deliver: the part becomes NOT_INSPECTED
│   └── NonFiniteOutput                  NaN or infinity in the output: reads as "no defect" if let through
├── ReleaseError                a release may not be loaded; a person must act
│   ├── ArchiveRefused (ValueError)      a packed release that is unsafe, too large or no archive
│   ├── ReleaseUnverified (ValueError)   a file is missing, changed, unsigned or outside its folder
│   ├── DeploymentRefused (ValueError)   a deployment is not signed for this plant, or out of its time or order
│   ├── CertificateRefused (ValueError)   a certificate is not signed for this plant, out of its time, or none
│   ├── SignatureRefused (ValueError)    a signature does not verify, or its key may not make it
│   ├── TrustRefused (ValueError)        a trust file cannot be read, or trusts one key twice
│   ├── KeyFileRefused (ValueError)      a private key's file cannot be opened
│   ├── NotADetector (ValueError)        the ONNX graph is no detector this program understands
│   └── CanaryFailed (RuntimeError)      the loaded model missed a defect that it must find
├── RecipeError (ValueError)    a recipe may not be used; a person must act
├── CalibrationRefused (ValueError) a picture of a calibration target gives no scale
├── CatalogueError (ValueError) a defect catalogue may not be used; a person must act
├── LinesOverwritten (LookupError) lines of a web were asked for too late: that stretch is NOT_INSPECTED
├── LinesNotYet (LookupError)   lines of a web were asked for before they came
├── RollMapRefused (ValueError) a file is no roll map of this program
└── NothingUsable (RuntimeError) no engine on this host passed the agreement check
```
"""


class LinesideError(Exception):
    """Base of every error this project raises on purpose."""


class FrameError(LinesideError):
    """A frame that cannot be judged.

    Attributes:
        reason: the machine-readable reason that the verdict carries, snake_case.
    """

    reason = "frame_error"


class UndecodableFrame(FrameError, ValueError):
    """The bytes are no complete picture of the declared kind."""

    reason = "undecodable"


class FrameTooLarge(FrameError, ValueError):
    """The header claims more pixels than the limit."""

    reason = "too_large"


class GeometryMismatch(FrameError, ValueError):
    """The frame has another size, depth or channel count than was declared."""

    reason = "geometry_mismatch"


class RegistrationRefused(FrameError, ValueError):
    """The frame could not be registered to its reference image within the residual limit."""

    reason = "registration_refused"


class EngineError(LinesideError, RuntimeError):
    """An inference engine failed on a frame or could not load a model."""


class NonFiniteOutput(EngineError):
    """The model's output holds NaN or infinity."""


class ReleaseError(LinesideError):
    """A release may not be loaded."""


class ArchiveRefused(ReleaseError, ValueError):
    """A packed release is unsafe, too large or no archive."""


class ReleaseUnverified(ReleaseError, ValueError):
    """A file of the release is missing, changed, not signed for, or reaches outside its folder."""


class DeploymentRefused(ReleaseError, ValueError):
    """A deployment is not signed by whom it must be, is for another plant, or is out of its time or order."""


class CertificateRefused(ReleaseError, ValueError):
    """The certificate of a threshold may not be believed."""


class SignatureRefused(ReleaseError, ValueError):
    """A signature does not verify, or its key may not make it."""


class TrustRefused(ReleaseError, ValueError):
    """A trust file cannot be read, or trusts one key twice."""


class KeyFileRefused(ReleaseError, ValueError):
    """The file of a private key cannot be opened or may not be written."""


class NotADetector(ReleaseError, ValueError):
    """The ONNX graph is not a detector that this program understands."""


class CanaryFailed(ReleaseError, RuntimeError):
    """A loaded model did not find a known defect in a canary frame of its own release."""


class RecipeError(LinesideError, ValueError):
    """A recipe may not be used as written."""


class CalibrationRefused(LinesideError, ValueError):
    """A picture of a calibration target gives no scale that sizes could be measured with."""


class CatalogueError(LinesideError, ValueError):
    """A defect catalogue may not be used as written."""


class LinesOverwritten(LinesideError, LookupError):
    """Lines of a web are gone: newer ones stand where they stood."""


class LinesNotYet(LinesideError, LookupError):
    """Lines of a web have not been written yet."""


class RollMapRefused(LinesideError, ValueError):
    """A file is no roll map, or not one that this program wrote."""


class NothingUsable(LinesideError, RuntimeError):
    """No inference engine on this host could run the model and agree with the reference engine."""
