"""Laws of Muon."""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import pytest
import torch

from elman_models.training.optimisers import Muon, orthogonal


@pytest.mark.parametrize("shape", [(24, 24), (24, 60), (60, 24)])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_all_directions_of_a_matrix_come_to_count_alike(shape: tuple[int, int], precision: torch.dtype) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    ours = orthogonal(matrix, precision)
    values = torch.diagonal(u.t() @ ours @ v.t())
    assert ours.dtype == torch.float32
    assert float(values.min()) > 0.3  # a quintic's five steps: about one
    assert float(values.max()) < 1.3


def test_an_update_moves_against_the_gradient_by_the_rate_and_decays() -> None:
    matrix = torch.nn.Parameter(torch.eye(8))
    matrix.grad = torch.diag(torch.tensor([1e-3, 5.0, 1.0, 2.0, 0.1, 0.3, 7.0, 0.01]))
    Muon([matrix], lr=0.1, momentum=0.0, weight_decay=0.5, precision=torch.float32).step()
    moved = 0.95 - torch.diagonal(matrix.detach())
    assert bool(((moved[1:4] > 0.06) & (moved[1:4] < 0.13)).all())  # 0.1 x about one


def test_momentum_carries_over_and_a_matrix_without_gradient_stays() -> None:
    matrix, other = torch.nn.Parameter(torch.zeros(4, 4)), torch.nn.Parameter(torch.ones(4, 4))
    optimiser = Muon([matrix, other], lr=0.1, momentum=0.5, weight_decay=0.5, precision=torch.float32)
    for gradient in (torch.eye(4), -0.1 * torch.eye(4)):
        matrix.grad = gradient
        optimiser.step()
    assert torch.allclose(optimiser.state[matrix]["momentum"], 0.5 * 0.5 * torch.eye(4) - 0.05 * torch.eye(4))
    assert torch.equal(other.detach(), torch.ones(4, 4))
